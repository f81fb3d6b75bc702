#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "client/client.hpp"
#include "cmd/line/location.hpp"

namespace runed::cmd {

/// One setting that a command has and the daemon that runs has otherwise.
struct SettingDifference {
  std::optional<ErrorCode> refusal;  // Of a command that would have to do without; none: a note.
  std::string text;  // `RUNED_THREADS is '2', but for the daemon that runs it is '1'`.
  std::optional<client::WantedModel> model{};  // One that the daemon can be asked for beside its own.
};

/// What of a command's settings is compared.
enum class Compared {
  what_is_named,  // In flag and environment, and in config.json where no stronger place has overruled
                  // it for the daemon; and the model that is chosen where none is named.
  everything,
};

/// Compares the settings of a command with those of the daemon that runs. What comes to the same is no
/// difference: a model named by its path and served by its variant, `auto` where what is in force is
/// what was named. A daemon that still loads is compared by the names only. The table of settings says of
/// each whether a difference is refused, noted or passed over.
/// Errors: those of choose_model, where the model is named; io.
Result<std::vector<SettingDifference>> compare_settings(const Location& location,
                                                        const client::InfoReport& daemon,
                                                        Compared compared);

/// Finds what is named for a setting, in flag, environment or config.json, where the daemon has something
/// else and was not told so in a stronger place.
std::optional<std::string> find_wanted(const client::InfoReport::ConfigValue& in_force,
                                       const bootstrap::Settings& settings);

/// Compares the settings of two daemons, of which the second has taken the place of the first:
/// `compute is 'auto' instead of 'f32'`. Empty if they are the same.
std::string describe_changes(std::span<const client::InfoReport::ConfigValue> before,
                             std::span<const client::InfoReport::ConfigValue> now);

/// Refuses to go on with a daemon that has another model or engine than the command names, or another
/// value of whatever else is refused.
/// Errors: model_mismatch, other_settings.
Status refuse_other_daemon(const std::vector<SettingDifference>& differences);

/// What ends the daemon that runs, so that the next one has the settings that are wanted.
inline constexpr const char* kReplaceDaemonHint =
    "'runed shutdown --wait 10' ends it, and the next one has what is named now";

}  // namespace runed::cmd
