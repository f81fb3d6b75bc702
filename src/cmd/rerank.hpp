#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cmd/commands.hpp"
#include "cmd/line/location.hpp"

namespace runed::cmd {

/// The flags of `runed rerank`.
struct RerankFlags {
  LocationFlags location;
  std::string query;
  std::optional<std::string> file;
  std::optional<int64_t> top;              // None: all documents.
  std::optional<std::string> instruction;  // The task, of a model that has a place for it.
  std::string truncate = "error";          // error or right.
  bool raw = false;                        // Scores as the model's makers have them.
  bool json = false;
  bool direct = false;               // In this process, without a daemon.
  bootstrap::SettingFlags settings;  // The model.
  std::optional<std::string> expect_model;
  double timeout_seconds = 600;  // Without progress.
};

Runner define_rerank(FlagSet& set);

/// Scores the documents and prints them, the best first.
Result<ExitCode> run_rerank(const RerankFlags& flags, Services& services);

}  // namespace runed::cmd
