#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "embed/model/gguf_metadata.hpp"
#include "embed/model/hf/json_fields.hpp"
#include "embed/model/hf/tokenizer_vocabulary.hpp"

namespace runed::embed::hf {

/// The ids around a text alone.
struct TextFrame {
  std::vector<uint32_t> before;
  std::vector<uint32_t> after;
};

/// Reads the frame that the post-processor of tokenizer.json puts around a text; none without one.
/// What it does with a pair is not looked at.
/// Needs:  the whole vocabulary.
/// Errors: model_unsupported naming what is not served: segments, or another post-processor;
///         model_corrupt if an id of the frame is not that of its token.
Result<TextFrame> read_post_processor(const Fields& tokenizer,
                                      const TokenizerVocabulary& vocabulary);

/// Writes the frame as GGUF's keys: `add_bos_token` and `add_eos_token` with their ids.
/// Errors: model_unsupported if there are several tokens on a side, which GGUF has no word for.
Status write_frame(const TextFrame& frame, GgufMetadata& metadata);

}  // namespace runed::embed::hf
