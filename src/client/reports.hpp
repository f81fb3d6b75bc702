#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/embedding.hpp"

namespace runed::v1 {
class HealthResponse;
class InfoResponse;
class ListModelsResponse;
class ReloadResponse;
}  // namespace runed::v1

namespace runed::client {

/// A prompt that can be asked for by its name.
struct NamedPrompt {
  std::string name;
  std::string text;
};

/// What Info tells.
struct InfoReport {
  struct ConfigValue {
    std::string key;
    std::string value;
    std::string origin;
  };
  std::string daemon_version;
  std::string model_identity;  // Empty while no model is loaded, as are the model's other fields.
  std::string model_name;
  std::string model_sha256;
  std::string variant;
  std::string engine;
  std::string engine_version;  // Of llama-server.
  std::string engine_reason;   // Known before the model is loaded.
  std::string previous_builtin;  // That answered in this home before; empty: no other did.
  std::string compute;
  std::string kernel;
  std::optional<Prompt> query_prompt;     // Nothing: none is known.
  std::optional<Prompt> document_prompt;  // Nothing: none is known.
  std::string prompt_source;              // Empty also of a daemon that does not tell.
  std::vector<NamedPrompt> named_prompts;
  std::string default_prompt_name;  // Of texts of no type; empty: they are embedded as they are.
  std::string pooling;
  std::string pooling_source;
  int32_t min_dimensions = 0;  // 0: not known to be cuttable.
  int32_t vector_dim = 0;
  int32_t max_tokens = 0;
  std::string max_tokens_source;
  int32_t max_batch_size = 0;
  int32_t pid = 0;  // 0: the daemon does not tell.
  SystemTime started_at;
  std::vector<ConfigValue> config;
  std::vector<std::string> inherited;  // What the daemon keeps of the process that started it.
};

/// What Health tells.
struct HealthReport {
  std::string state;  // ok, loading, degraded, shutting_down, idle or unknown.
  std::string phase;  // fetching_llama_server, fetching_model, starting_engine, or empty.
  int64_t bytes_done = 0;
  int64_t bytes_total = 0;
  int64_t uptime_seconds = 0;
  int64_t requests = 0;
  int64_t queue_tokens = 0;
  int32_t restarts = 0;  // Of the engine, after a fault.
  std::string message;
  std::string reason;
};

/// What ListModels tells of one model.
struct ModelReport {
  std::vector<std::string> names;  // As requests have them; the first is shown.
  bool is_default = false;
  std::string keep_alive;
  std::string variant;
  std::string path;
  int64_t file_bytes = 0;  // 0: not known.
  // The next ones as in InfoReport.
  std::string model_identity;
  std::string model_name;
  std::string engine;
  std::string engine_version;
  std::string compute;
  std::string kernel;
  int32_t vector_dim = 0;
  int32_t min_dimensions = 0;
  int32_t max_tokens = 0;
  std::string max_tokens_source;
  std::optional<Prompt> query_prompt;
  std::optional<Prompt> document_prompt;
  std::string prompt_source;
  std::vector<NamedPrompt> named_prompts;
  std::string default_prompt_name;
  HealthReport health;       // `requests` are the model's own.
  int64_t memory_bytes = 0;  // Held now; 0: it is not loaded.
  int64_t evictions = 0;     // Times that was given back for another model.
  std::optional<SystemTime> used_at;
};

/// What Reload tells, for people.
struct ReloadReport {
  std::vector<std::string> changed;
  std::vector<std::string> needs_start;
};

/// Reads what the wire has.
InfoReport to_report(const v1::InfoResponse& wire);
HealthReport to_report(const v1::HealthResponse& wire);
std::vector<ModelReport> to_report(const v1::ListModelsResponse& wire);
ReloadReport to_report(const v1::ReloadResponse& wire);

}  // namespace runed::client
