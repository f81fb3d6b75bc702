#include "cmd/embed_output.hpp"

#include <fmt/format.h>

#include "base/json.hpp"

namespace runed::cmd {
namespace {

std::string quoted(const std::string& text) {
  return to_line(Json(text));
}

std::string format_ids(std::span<const uint32_t> ids) {
  return fmt::format("[{}]", fmt::join(ids, ","));
}

}  // namespace

// Written by hand: a JSON library prints f32 as if it were f64, with twice the digits.
std::string format_vector(std::span<const float> vector) {
  return fmt::format("[{}]", fmt::join(vector, ","));
}

std::string format_lines(const EmbedOutput& output) {
  std::string text;
  for (const auto& ids : output.ids) text += format_ids(ids) + "\n";
  for (const auto& embedding : output.embeddings) text += format_vector(embedding.vector) + "\n";
  return text;
}

std::string format_document(const EmbedOutput& output) {
  std::string text = fmt::format(R"({{"model":{},"model_identity":{})", quoted(output.model_name),
                                 quoted(output.model_identity));
  if (!output.embeddings.empty()) {
    text += fmt::format(R"(,"engine":{},"dim":{})", quoted(output.engine),
                        output.embeddings.front().vector.size());
  }
  text += R"(,"embeddings":[)";
  const char* separator = "";
  for (size_t i = 0; i < output.embeddings.size(); ++i) {
    const Embedding& embedding = output.embeddings[i];
    text += fmt::format(R"({}{{"index":{},"tokens":{},)", separator, i, embedding.token_count);
    if (embedding.tokens_dropped > 0) {
      text += fmt::format(R"("tokens_dropped":{},)", embedding.tokens_dropped);
    }
    text += fmt::format(R"("vector":{}}})", format_vector(embedding.vector));
    separator = ",";
  }
  for (size_t i = 0; i < output.ids.size(); ++i) {
    text += fmt::format(R"({}{{"index":{},"tokens":{},"ids":{}}})", separator, i,
                        output.ids[i].size(), format_ids(output.ids[i]));
    separator = ",";
  }
  return text + "]}\n";
}

}  // namespace runed::cmd
