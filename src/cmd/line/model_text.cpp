#include "cmd/line/model_text.hpp"

#include <fmt/ranges.h>

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
      {"max_tokens_source", known(model.max_tokens_source)},
      {"query_prompt", prompt_json(model.query_prompt)},
      {"document_prompt", prompt_json(model.document_prompt)},
      {"prompt_source", known(model.prompt_source)},
      {"prompt_names", prompt_names_json(model.named_prompts)},
      {"default_prompt_name", known(model.default_prompt_name)}};
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
  if (source == "ctx_size") return "by the setting ctx_size";
  return source == "known_model" ? "of a model that runed knows" : source;
}

std::string describe_prompts(const client::InfoReport& info) {
  if (info.prompt_source.empty()) return {};
  if (!info.query_prompt.has_value() || !info.document_prompt.has_value()) return "none is known";
  const auto describe = [](const Prompt& prompt) {
    // In JSON's quotes, which show where it ends.
    return prompt.prefix.empty() ? std::string("none") : to_line(Json(prompt.prefix));
  };
  std::string text =
      fmt::format("{} for queries, {} for documents ({})", describe(*info.query_prompt),
                  describe(*info.document_prompt), describe_source(info.prompt_source));
  std::vector<std::string> others;
  for (const client::NamedPrompt& prompt : info.named_prompts) {
    if (prompt.name != "query" && prompt.name != "document") others.push_back(prompt.name);
  }
  if (!others.empty()) text += fmt::format("; by name {}", fmt::join(others, ", "));
  if (!info.default_prompt_name.empty()) {
    text += fmt::format("; {} for other texts", info.default_prompt_name);
  }
  return text;
}

bool is_reranker(const client::InfoReport& info) {
  return info.pooling == "rank";
}

std::string describe_limits(const client::InfoReport& info) {
  std::string text =
      is_reranker(info)
          ? fmt::format("scores of pairs of texts, {} tokens a pair", info.max_tokens)
          : fmt::format("{}{} dimensions, {} tokens a text",
                        info.min_dimensions > 0 ? fmt::format("{} to ", info.min_dimensions) : "",
                        info.vector_dim, info.max_tokens);
  const std::string& source = info.max_tokens_source;
  if (source.empty() || source == "context_length") return text;
  return text + fmt::format(" ({})", describe_source(source));
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

Json prompt_names_json(const std::vector<client::NamedPrompt>& prompts) {
  if (prompts.empty()) return nullptr;
  Json names = Json::array();
  for (const client::NamedPrompt& prompt : prompts) names.push_back(prompt.name);
  return names;
}

Json models_json(const std::vector<client::ModelReport>& models) {
  Json all = Json::array();
  for (const client::ModelReport& model : models) all.push_back(model_json(model));
  return all;
}

}  // namespace runed::cmd
