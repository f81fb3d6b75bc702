#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "embed/engine.hpp"

namespace runed::test {

/// An engine without a model, whose faults a test decides: a text is its bytes and an EOS, and its
/// vector is random unless the test gives a function that makes it.
class FakeEngine final : public embed::Engine {
 public:
  static constexpr embed::TokenId kEos = 256;
  using Vector = std::vector<float>;

  Status start() override { return {}; }
  void stop() override { is_stopped_ = true; }
  const embed::ModelInfo& info() const override { return model; }
  std::shared_ptr<const embed::Tokenizer> tokenizer() const override {
    return is_stopped_ ? nullptr : std::make_shared<Bytes>();
  }
  uint32_t batch_tokens() const override { return tokens_per_pass; }
  SteadyTime last_useful_work() const override { return {}; }
  void interrupt() override {}
  uint64_t memory_bytes() const override { return 0; }

  Status embed(const embed::PackedBatch& batch, embed::EmbeddingRows out) override {
    const std::span<float> vectors = out.vectors;
    TRY(result);
    const size_t texts = batch.offsets.size() - 1;
    pass_sizes.push_back(texts);
    for (size_t i = 0; i < texts; ++i) {
      const uint32_t first = batch.offsets[i];
      const auto ids = batch.ids.subspan(first, batch.offsets[i + 1] - first);
      const Vector vector = vector_of ? vector_of(ids, batch) : random_vector(ids, model.dimension);
      std::ranges::copy(vector, vectors.data() + i * model.dimension);
    }
    return {};
  }

  /// Returns a vector of unit length, the same one for the same ids.
  static Vector random_vector(std::span<const embed::TokenId> ids, uint32_t dimension) {
    std::seed_seq seed(ids.begin(), ids.end());
    std::mt19937 generator(seed);
    std::normal_distribution<double> distribution;
    std::vector<double> values(dimension);
    double squares = 0;
    for (double& value : values) {
      value = distribution(generator);
      squares += value * value;
    }
    Vector vector;
    for (const double value : values) {
      vector.push_back(static_cast<float>(value / std::sqrt(squares)));
    }
    return vector;
  }

  embed::ModelInfo model{.engine = "fake",
                         .model_name = "bytes",
                         .model_sha256 = std::string(64, 'a'),
                         .compute = "f32",
                         .kernel = "none",
                         .dimension = 64,
                         .max_tokens = 32768,
                         .spec = {.frame = {.before = {}, .after = {kEos}}}};
  uint32_t tokens_per_pass = 2048;
  Status result;                   // Of every call of embed().
  std::vector<size_t> pass_sizes;  // Texts of each pass.

  /// Makes the vector of one text of a batch.
  std::function<Vector(std::span<const embed::TokenId> ids, const embed::PackedBatch& batch)>
      vector_of;

 private:
  class Bytes final : public embed::Tokenizer {
   public:
    Result<std::vector<embed::TokenId>> tokenize(std::string_view text) const override {
      std::vector<embed::TokenId> ids;
      for (const char byte : text) ids.push_back(static_cast<unsigned char>(byte));
      ids.push_back(kEos);
      return ids;
    }
  };

  bool is_stopped_ = false;
};

}  // namespace runed::test
