#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/known_models.hpp"
#include "embed/model/model_facts.hpp"

namespace runed::embed {

/// What a manifest says of a file that it names by its digest. Of another architecture or width
/// than the file has, it was said by mistake, and nothing of it holds.
struct PublishedFacts {
  std::string sha256;        // 64 hex digits.
  std::string architecture;  // Empty: not said.
  uint32_t width = 0;        // 0: not said.
  ModelFacts facts;
};

/// Reads by what a file can be recognised. A key that is missing, or of another type, recognises
/// nothing; only how it pools is needed for more than that.
/// Errors: model_unsupported for a pooling that is none.
Result<ModelSignature> read_signature(const Gguf& file);

/// Finds what is known of the model in a file: from the file, else from what is published of its
/// digest, else from the table of known models. Refuses what any engine would make wrong vectors of
/// without a word, because the file does not say what has to be known: how a text becomes one
/// vector, whether it is framed by its special tokens, whether a token sees those after it, whether
/// all of the model is there, whether its tokens are of the tokenizer that it names.
/// Errors: model_unsupported naming the keys, with kConversionFault.
Result<ModelCard> recognise_model(const Gguf& file, std::string_view sha256,
                                  std::span<const PublishedFacts> published);

}  // namespace runed::embed
