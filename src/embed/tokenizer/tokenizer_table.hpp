#pragma once

#include <memory>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/model_spec.hpp"
#include "embed/tokenizer/run_units.hpp"
#include "embed/tokenizer/tokenizer.hpp"

namespace runed::embed {

/// Tells whether the tokenizer of a model is one of ours, from its spec alone.
/// Errors: model_unsupported naming the key, the value found and those that there are.
Status check_tokenizer(const ModelSpec& spec);

/// Makes the tokenizer of a model, which borrows nothing: no later change of the file can reach it.
/// `run_units`, if there is one, helps while this runs.
/// Errors: those of check_tokenizer; model_unsupported or model_corrupt, naming the key.
Result<std::unique_ptr<const Tokenizer>> make_tokenizer(const Gguf& file, const ModelSpec& spec,
                                                        const RunUnits& run_units = {});

}  // namespace runed::embed
