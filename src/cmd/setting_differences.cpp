#include "cmd/setting_differences.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "base/text.hpp"
#include "bootstrap/config/setting_table.hpp"
#include "bootstrap/fetch/url.hpp"
#include "bootstrap/install/installed.hpp"
#include "bootstrap/install/record.hpp"
#include "bootstrap/use/model_choice.hpp"
#include "daemon/models/engine_factory.hpp"

namespace runed::cmd {
namespace {

using bootstrap::EngineKind;
using bootstrap::ModelChoice;
using bootstrap::Origin;
using bootstrap::OtherValue;
using bootstrap::SettingRow;
using ConfigValue = client::InfoReport::ConfigValue;

constexpr const char* kDaemon = "the daemon that runs";

// What the daemon tells of one of its settings. None: it knows no such setting.
struct Told {
  std::string value;
  Origin origin = Origin::default_value;
};

std::optional<Told> find_told(std::span<const ConfigValue> config, std::string_view key) {
  const auto found = std::ranges::find(config, key, &ConfigValue::key);
  if (found == config.end()) return std::nullopt;
  return Told{found->value, bootstrap::find_origin(found->origin).value_or(Origin::default_value)};
}

bool is_stronger_than_config(Origin origin) {
  return origin == Origin::flag || origin == Origin::environment;
}

// A daemon was told otherwise on purpose where its own value stands in a stronger place than ours.
bool is_named(Origin ours, Origin daemons) {
  if (is_stronger_than_config(ours)) return true;
  return ours == Origin::config && !is_stronger_than_config(daemons);
}

std::string quoted(const std::string& value) {
  return value.empty() ? "not set" : fmt::format("'{}'", value);
}

// How a daemon is asked for a model that is not its default one. None: it has no name yet.
std::optional<client::WantedModel> as_request(const ModelChoice& choice) {
  if (choice.kind == ModelChoice::Kind::file) {
    return client::WantedModel{.name = {}, .path = choice.path};
  }
  if (choice.variant.empty()) return std::nullopt;
  return client::WantedModel{.name = choice.variant, .path = {}};
}

/// One comparison under way.
class Comparison {
 public:
  Comparison(const Location& location, const client::InfoReport& daemon, Compared compared)
      : location_(location), daemon_(daemon), is_everything_(compared == Compared::everything) {}

  Status run() {
    TRY(compare_model());
    compare_engine();
    compare_rest();
    return {};
  }

  std::vector<SettingDifference> take() { return std::move(found_); }

 private:
  Status compare_model();
  void compare_engine();
  void compare_rest();
  Result<bool> is_served(const ModelChoice& choice) const;
  bool is_told(const std::string& path) const;
  void note_replaced(const std::string& name);
  Result<std::string> digest_of(const ModelChoice& choice) const;
  bool is_in_force(std::string_view key, const std::string& value) const;
  bool is_of_no_effect(const SettingRow& row) const;
  Origin origin_of_model() const;
  std::string model_served() const;

  const Location& location_;
  const client::InfoReport& daemon_;
  const bool is_everything_;
  std::vector<SettingDifference> found_;
};

// Where the daemon has its model from.
Origin Comparison::origin_of_model() const {
  Origin strongest = Origin::default_value;
  for (const char* key : {"model", "model_variant"}) {
    const auto told = find_told(daemon_.config, key);
    if (told.has_value() && !told->value.empty()) strongest = std::min(strongest, told->origin);
  }
  return strongest;
}

std::string Comparison::model_served() const {
  std::string name = daemon_.variant;
  if (name.empty()) {
    const auto path = find_told(daemon_.config, "model");
    if (path.has_value()) name = path->value;
  }
  if (name.empty()) name = daemon_.model_name;
  return daemon_.model_identity.empty()
             ? fmt::format("'{}'", name)
             : fmt::format("'{}' ({})", name, daemon_.model_identity);
}

// Of a variant what was installed, since that is what is meant; of a file what is there now.
Result<std::string> Comparison::digest_of(const ModelChoice& choice) const {
  const bootstrap::Paths& paths = location_.paths;
  if (choice.kind == ModelChoice::Kind::variant) {
    TRY_ASSIGN(const auto installed, bootstrap::Installed::load(paths.installed_file));
    const auto entry = installed.variants.find(choice.variant);
    if (entry != installed.variants.end()) return entry->second.sha256;
  }
  return bootstrap::Record(paths.record_file)
      .model_digest(choice.path, bootstrap::Reading::if_changed, {}, daemon::inspect_model);
}

Result<bool> Comparison::is_served(const ModelChoice& choice) const {
  if (choice.kind == ModelChoice::Kind::builtin) return daemon_.variant == choice.variant;
  if (!choice.path.empty() && !daemon_.model_sha256.empty()) {
    const auto digest = digest_of(choice);
    if (digest) return *digest == daemon_.model_sha256;
    if (digest.error().code == ErrorCode::model_corrupt) return false;  // No daemon serves that.
    return digest.error();
  }
  if (choice.kind == ModelChoice::Kind::file) return is_told(choice.path);
  if (choice.variant.empty()) {  // The default of a manifest that was never fetched.
    const auto manifest = find_told(daemon_.config, "manifest");
    return manifest.has_value() &&
           manifest->value ==
               escape_invalid_utf8(bootstrap::display_url(location_.settings.manifest.value));
  }
  const std::array names{daemon_.variant};
  return bootstrap::find_variant(names, choice.variant).has_value();
}

bool Comparison::is_told(const std::string& path) const {
  const auto told = find_told(daemon_.config, "model");
  return told.has_value() && told->value == escape_invalid_utf8(path);
}

void Comparison::note_replaced(const std::string& name) {
  found_.push_back({std::nullopt, fmt::format("'{}' is not the file any more that {} serves ({})",
                                              name, kDaemon, daemon_.model_identity)});
}

Status Comparison::compare_model() {
  const bootstrap::Settings& settings = location_.settings;
  const Origin daemons = origin_of_model();
  const auto names = [&](Origin ours) { return is_everything_ || is_named(ours, daemons); };
  const auto choice = bootstrap::choose_model(location_.paths, settings);
  if (!choice) {
    const Origin ours = std::min({settings.model.origin, settings.model_variant.origin,
                                  settings.manifest.origin});
    if (!names(ours)) return {};
    // The daemon has the file still, if that is its own.
    if (!settings.model.value.has_value() || !is_told(*settings.model.value)) return choice.error();
    note_replaced(*settings.model.value);
    return {};
  }
  const Origin ours =
      choice->origin == Origin::manifest ? settings.manifest.origin : choice->origin;
  // By itself the daemon has what was there when it was started.
  const bool is_chosen_alike = ours == Origin::default_value && daemons >= Origin::manifest;
  if (!names(ours) && !is_chosen_alike) return {};
  TRY_ASSIGN(const bool is_same, is_served(*choice));
  if (is_same) return {};
  const bool is_file = choice->kind == ModelChoice::Kind::file;
  // What is named is what the daemon was told, and keeps until it ends, as it was.
  if (is_file ? is_told(choice->path) : choice->variant == daemon_.variant) {
    note_replaced(is_file ? choice->path : choice->variant);
    return {};
  }
  const std::string wanted = !is_file && choice->variant.empty()
                                 ? "the manifest's default model"
                                 : quoted(is_file ? choice->path : choice->variant);
  if (ours == Origin::default_value) {
    found_.push_back({std::nullopt, fmt::format("{} serves {}; the next one would serve {}",
                                                kDaemon, model_served(), wanted)});
    return {};
  }
  const char* key = choice->origin == Origin::manifest ? "manifest"
                    : is_file || (choice->kind == ModelChoice::Kind::builtin &&
                                  settings.model.origin == ours)
                        ? "model"
                        : "model_variant";
  found_.push_back({ErrorCode::model_mismatch,
                    fmt::format("{} names {}, but {} serves {}", bootstrap::place_of(key, ours),
                                wanted, kDaemon, model_served()),
                    as_request(*choice)});
  return {};
}

void Comparison::compare_engine() {
  const auto& [engine, origin] = location_.settings.engine;
  if (const auto told = find_told(daemon_.config, "engine"); told.has_value()) {
    const std::string wanted(name_of(engine));
    const std::string& in_force = daemon_.engine.empty() ? told->value : daemon_.engine;
    const bool differs = is_everything_ ? told->value != wanted
                                        : engine != EngineKind::auto_select && in_force != wanted;
    if (differs && (is_everything_ || is_named(origin, told->origin))) {
      found_.push_back({ErrorCode::other_settings,
                        fmt::format("{} names the engine {}, but {} has {}",
                                    bootstrap::place_of("engine", origin), wanted, kDaemon,
                                    is_everything_ ? told->value : in_force)});
      return;
    }
  }
  const auto& [server, server_origin] = location_.settings.llama_server;
  const auto told = find_told(daemon_.config, "llama_server");
  if (!told.has_value() || engine == EngineKind::native ||
      told->value == escape_invalid_utf8(server.value_or(""))) {
    return;
  }
  if (is_everything_ || (server.has_value() && is_named(server_origin, told->origin))) {
    found_.push_back({ErrorCode::other_settings,
                      fmt::format("{} is {}, but for {} it is {}",
                                  bootstrap::place_of("llama_server", server_origin),
                                  quoted(server.value_or("")), kDaemon, quoted(told->value))});
  }
}

// What is named may be in force without having been named to the daemon.
bool Comparison::is_in_force(std::string_view key, const std::string& value) const {
  if (key == "compute") return value == daemon_.compute;
  if (key == "cpu") return value == daemon_.kernel;
  if (key == "ctx_size") return value == std::to_string(daemon_.max_tokens);
  return false;
}

// Each engine has settings of its own, and an engine that is not known yet may have either's.
bool Comparison::is_of_no_effect(const SettingRow& row) const {
  return row.engine != EngineKind::auto_select && !daemon_.engine.empty() &&
         daemon_.engine != name_of(row.engine);
}

void Comparison::compare_rest() {
  // Those of which two values may come to the same are compared above.
  static constexpr std::array kComparedApart{"model", "model_variant", "engine", "llama_server"};
  for (const auto& [key, raw_value, origin] : bootstrap::to_texts(location_.settings)) {
    const SettingRow& row = bootstrap::row_of(key);
    const bool is_apart = std::ranges::find(kComparedApart, key) != kComparedApart.end();
    if (is_apart || row.if_daemon_has_other == OtherValue::passed_over) continue;
    const std::string value = escape_invalid_utf8(raw_value);  // As the daemon tells it.
    const auto told = find_told(daemon_.config, key);
    if (!told.has_value() || told->value == value) continue;
    if (!is_everything_ &&
        (!is_named(origin, told->origin) || is_in_force(key, value) || is_of_no_effect(row))) {
      continue;
    }
    std::optional<ErrorCode> refusal;
    if (row.if_daemon_has_other == OtherValue::refused) refusal = ErrorCode::other_settings;
    found_.push_back(
        {refusal, fmt::format("{} is {}, but for {} it is {}", bootstrap::place_of(key, origin),
                              quoted(value), kDaemon, quoted(told->value))});
  }
}

}  // namespace

Result<std::vector<SettingDifference>> compare_settings(const Location& location,
                                                        const client::InfoReport& daemon,
                                                        Compared compared) {
  Comparison comparison(location, daemon, compared);
  TRY(comparison.run());
  return comparison.take();
}

std::optional<std::string> find_wanted(const ConfigValue& in_force,
                                       const bootstrap::Settings& settings) {
  const Origin daemons = bootstrap::find_origin(in_force.origin).value_or(Origin::default_value);
  for (const auto& [key, raw_value, origin] : bootstrap::to_texts(settings)) {
    if (key != in_force.key || !is_named(origin, daemons)) continue;
    std::string value = escape_invalid_utf8(raw_value);  // As the daemon tells it.
    if (value != in_force.value) return value;
  }
  return std::nullopt;
}

std::string describe_changes(std::span<const ConfigValue> before,
                             std::span<const ConfigValue> now) {
  std::vector<std::string> changes;
  for (const auto& was : before) {
    const auto told = find_told(now, was.key);
    if (!told.has_value() || told->value == was.value) continue;
    changes.push_back(
        fmt::format("{} is {} instead of {}", was.key, quoted(told->value), quoted(was.value)));
  }
  return fmt::format("{}", fmt::join(changes, ", "));
}

Status refuse_other_daemon(const std::vector<SettingDifference>& differences) {
  for (const auto& [refusal, text, model] : differences) {
    if (!refusal.has_value()) continue;
    return make_error(*refusal, "{}", text)
        .with_hint(fmt::format("{}; or embed beside it with --direct", kReplaceDaemonHint));
  }
  return {};
}

}  // namespace runed::cmd
