#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cmd/commands.hpp"
#include "cmd/line/location.hpp"

namespace runed::cmd {

/// The flags of `runed embed`.
struct EmbedFlags {
  LocationFlags location;
  std::vector<std::string> texts;
  std::optional<std::string> file;
  bool query = false;
  bool document = false;
  std::optional<std::string> instruction;  // Of queries; implies `query`.
  std::optional<std::string> prompt_name;  // A prompt of the model's; with none of the three above.
  std::optional<int64_t> dimensions;       // None: all that the model has.
  std::string truncate = "error";          // error, right or left.
  bool json = false;
  bool ids = false;                  // Token ids in place of vectors.
  bool direct = false;               // In this process, without a daemon.
  bootstrap::SettingFlags settings;  // The model, with ids or direct.
  std::optional<std::string> expect_model;
  double timeout_seconds = 600;  // Without progress.
};

Runner define_embed(FlagSet& set);

/// Embeds the texts and prints one result each, in their order, in constant memory. Nothing is printed
/// on an error, unless there are more results than are held back.
Result<ExitCode> run_embed(const EmbedFlags& flags, Services& services);

}  // namespace runed::cmd
