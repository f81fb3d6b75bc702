#include "embed/llama_server/protocol/first_embedding.hpp"

#include <array>
#include <numeric>

namespace runed::embed::llama_server {
namespace {

// Between engines that are right: 0.999 on a usual model, 0.983 on one with channels far above the
// others in int8. Source: measured, "Fidelity", int8 blocks of 32.
constexpr double kLeastCosine = 0.97;

Result<std::vector<float>> embed_first(Engine& reference) {
  TRY(reference.start());
  TRY_ASSIGN(const std::vector<TokenId> ids, reference.tokenizer()->tokenize(kFirstText));
  const std::array<uint32_t, 2> offsets{0, static_cast<uint32_t>(ids.size())};
  std::vector<float> vector(reference.info().dimension);
  TRY(reference.embed({.ids = ids, .offsets = offsets}, vector));
  return vector;
}

}  // namespace

std::vector<float> first_embedding_of(Engine& reference) {
  auto vector = embed_first(reference);
  return vector ? *std::move(vector) : std::vector<float>();
}

Status compare_first_embedding(const std::vector<float>& answered,
                               const std::vector<float>& expected) {
  if (expected.empty()) return {};
  const double cosine =
      answered.size() == expected.size()
          ? std::inner_product(answered.begin(), answered.end(), expected.begin(), 0.0)
          : 0.0;
  if (cosine >= kLeastCosine) return {};
  return make_error(ErrorCode::engine_fault,
                    "llama-server and the native engine disagree on this model: the cosine of "
                    "their first vectors is {:.4f}",
                    cosine)
      .with_hint(
          "this build of llama-server, or its GPU, cannot be trusted with the model: use "
          "another, or RUNED_ENGINE=native");
}

}  // namespace runed::embed::llama_server
