#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace runed::test {

/// A text of which the vector is known.
struct ReferenceVector {
  size_t text = 0;            // Its index in unicode_texts().
  uint32_t tokens = 0;        // As many as were embedded: after the cut to the longest text.
  std::vector<float> vector;  // Of unit length.
};

/// What the reference says of a real model (tests/data/real; README there has the origin).
struct RealModelReference {
  uint32_t width = 0;
  uint32_t max_tokens = 0;  // Of one text, its frame included.
  std::string pooling;      // `mean` or `cls`.
  std::string query_prompt;
  std::string document_prompt;
  std::vector<std::string> id_digests;           // As digest_of() gives them, one a text.
  std::vector<std::vector<uint32_t>> first_ids;  // Of the first texts, in full.
  std::vector<ReferenceVector> vectors;          // Made without any prompt.
};

/// A real model on this machine.
struct RealModel {
  std::string name;
  std::string directory;  // As Hugging Face has it.
};

/// What scripts/get-test-models has left in a directory.
struct RealModelSearch {
  std::vector<RealModel> found;
  std::vector<std::string> missing;  // `model NAME (why)`, of those that a registry did not give.
  std::vector<std::string> unknown;  // Names of those that nobody has tried to fetch.
};

/// Returns the names of all real models.
std::span<const std::string_view> real_model_names();

/// Looks for all real models.
RealModelSearch search_real_models(const std::string& directory);

/// Returns the real models that scripts/get-test-models has put into $RUNED_TEST_MODELS, and says by
/// name, as left out, which a registry did not give. If there is none at all, the test leaves itself
/// out, and has nothing to loop over. Fails the test if nobody has tried to fetch them, unless
/// RUNED_SKIP_TEST_MODELS=1 says to do without.
std::vector<RealModel> real_models();

/// Returns one of them, or nothing: then the test has left itself out, and returns.
std::optional<RealModel> real_model(std::string_view name);

/// Returns the path of a real tokenizer.json, of those that tests/real_models/tokenizers.json names, or
/// nothing: then the test has left itself out, and returns.
std::optional<std::string> real_tokenizer(std::string_view name);

/// Reads the reference of a model.
RealModelReference read_real_reference(std::string_view name);

/// Returns the texts whose ids the references have.
const std::vector<std::string>& unicode_texts();

/// Returns `count:` and the first 12 hex digits of the SHA-256 over little-endian ids of 32 bits.
std::string digest_of(std::span<const uint32_t> ids);

}  // namespace runed::test
