#include "embed/engine.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"

namespace runed::embed {

Error unwanted_error() {
  return make_error(ErrorCode::cancelled, "nobody waits for the texts any more");
}

Status Engine::score(const PackedBatch& /*batch*/, std::span<float> /*raw*/) {
  return make_error(ErrorCode::model_unsupported, "the engine '{}' has no rerankers", info().engine)
      .with_hint("leave the engine at auto, or name native");
}

float to_unit_interval(float raw) {
  return static_cast<float>(1 / (1 + std::exp(-static_cast<double>(raw))));
}

uint32_t limit_tokens(uint32_t of_model, uint32_t wanted) {
  return wanted == 0 ? of_model : std::min(wanted, of_model);
}

std::string source_of_limit(const ModelSpec& spec, uint32_t wanted) {
  if (wanted != 0 && wanted < spec.longest_text()) return "ctx_size";
  const bool is_said = spec.max_tokens.is_known() && spec.max_tokens.value <= spec.context;
  return is_said ? std::string(name_of(spec.max_tokens.source)) : "context_length";
}

Status check_lengths(const PackedBatch& batch, uint32_t max_tokens) {
  CHECK(batch.offsets.front() == 0 && batch.offsets.back() == batch.ids.size());
  for (size_t text = 0; text + 1 < batch.offsets.size(); ++text) {
    CHECK(batch.offsets[text] <= batch.offsets[text + 1]);
    const uint32_t tokens = batch.offsets[text + 1] - batch.offsets[text];
    if (tokens == 0) {
      return make_error(ErrorCode::empty_text, "text {} has no tokens", text)
          .with(fact::kIndex, text);
    }
    if (tokens > max_tokens) {
      return make_error(ErrorCode::text_too_long, "text {} has {} tokens; the model takes {}", text,
                        tokens, max_tokens)
          .with(fact::kIndex, text);
    }
  }
  return {};
}

}  // namespace runed::embed
