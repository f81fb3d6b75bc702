#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/model_facts.hpp"
#include "embed/model/model_spec.hpp"
#include "embed/model/spec_reader.hpp"

namespace runed::embed {

/// What a manifest says of a file that it names by its digest. Of another architecture or width
/// than the file has, it was said by mistake, and nothing of it holds.
struct PublishedFacts {
  std::string sha256;        // 64 hex digits.
  std::string architecture;  // Empty: not said.
  uint32_t width = 0;        // 0: not said.
  ModelFacts facts;
};

/// Finds what is known of the model in a file: from the file, else from what is published of its
/// digest, else from the table of known models; and the rest of its spec by the row of its
/// architecture, if there is one. Refuses what any engine would make wrong vectors of without a word,
/// because the file does not say what has to be known: how a text becomes one vector, whether it is
/// framed by its special tokens, whether a token sees those after it, whether all of the model is
/// there, whether its tokens are of the tokenizer that it names.
/// Errors: model_unsupported naming the keys, with fact::kConversionFault.
Result<ModelSpec> recognise_model(const Gguf& file, std::string_view sha256,
                                  std::span<const PublishedFacts> published);

}  // namespace runed::embed
