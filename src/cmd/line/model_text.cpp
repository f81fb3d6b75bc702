#include "cmd/line/model_text.hpp"

#include "base/json.hpp"
#include "base/log.hpp"

namespace runed::cmd {
namespace {

// A value, or null where there is none.
template <typename T>
Json known(const T& value) {
  return value == T() ? Json(nullptr) : Json(value);
}

Json model_json(const client::ModelReport& model) {
  const client::HealthReport& health = model.health;
  return {
      {"name", model.names.front()},
      {"names", model.names},
      {"default", model.is_default},
      {"state", health.state},
      {"phase", known(health.phase)},
      {"bytes_done", health.bytes_done},
      {"bytes_total", health.bytes_total},
      {"message", known(health.message)},
      {"reason", known(health.reason)},
      {"variant", known(model.variant)},
      {"path", known(model.path)},
      {"file_bytes", known(model.file_bytes)},
      {"memory_bytes", model.memory_bytes},
      {"keep_alive", known(model.keep_alive)},
      {"used_at", model.used_at.has_value() ? Json(format_time(*model.used_at)) : Json(nullptr)},
      {"requests", health.requests},
      {"queue_tokens", health.queue_tokens},
      {"restarts", health.restarts},
      {"evictions", model.evictions},
      {"model_identity", known(model.model_identity)},
      {"model_name", known(model.model_name)},
      {"engine", known(model.engine)},
      {"engine_version", known(model.engine_version)},
      {"compute", known(model.compute)},
      {"kernel", known(model.kernel)},
      {"vector_dim", known(model.vector_dim)},
      {"min_dimensions", known(model.min_dimensions)},
      {"max_tokens", known(model.max_tokens)},
      {"query_prompt", prompt_json(model.query_prompt)},
      {"document_prompt", prompt_json(model.document_prompt)},
      {"prompt_source", known(model.prompt_source)}};
}

}  // namespace

std::string describe_engine(const std::string& engine, const std::string& version,
                            std::initializer_list<std::string> details) {
  std::string text = engine;
  if (!version.empty()) text += " " + version;
  for (const std::string& part : details) {
    if (!part.empty()) text += ", " + part;
  }
  return text;
}

std::string describe_source(const std::string& source) {
  if (source == "model_file") return "by the model's file";
  if (source == "manifest") return "by the manifest";
  return source == "known_model" ? "of a model that runed knows" : source;
}

std::string describe_prompts(const std::optional<Prompt>& query,
                             const std::optional<Prompt>& document, const std::string& source) {
  if (source.empty()) return {};
  if (!query.has_value() || !document.has_value()) return "none is known";
  const auto describe = [](const Prompt& prompt) {
    // In JSON's quotes, which show where it ends.
    return prompt.prefix.empty() ? std::string("none") : to_line(Json(prompt.prefix));
  };
  return fmt::format("{} for queries, {} for documents ({})", describe(*query), describe(*document),
                     describe_source(source));
}

std::string describe_limits(int32_t min_dimensions, int32_t dimensions, int32_t max_tokens) {
  return fmt::format("{}{} dimensions, {} tokens a text",
                     min_dimensions > 0 ? fmt::format("{} to ", min_dimensions) : "", dimensions,
                     max_tokens);
}

std::string describe_state(const std::string& state) {
  if (state == "ok") return "loaded";
  return state == "idle" ? "not loaded" : state;
}

Json prompt_json(const std::optional<Prompt>& prompt) {
  if (!prompt.has_value()) return nullptr;
  return {
      {"prefix", prompt->prefix},
      {"default_task", prompt->default_task.empty() ? Json(nullptr) : Json(prompt->default_task)}};
}

Json models_json(const std::vector<client::ModelReport>& models) {
  Json all = Json::array();
  for (const client::ModelReport& model : models) all.push_back(model_json(model));
  return all;
}

}  // namespace runed::cmd
