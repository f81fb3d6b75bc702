#pragma once

#include <optional>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/model_facts.hpp"

namespace runed::embed {

/// Reads the prompts that a file carries in keys of runed's: `runed.prompts.names` and
/// `runed.prompts.texts`, two lists of one length, and `runed.prompts.default`, the name of the one
/// that a text of no type gets. Nothing: the file says nothing of prompts.
/// Errors: model_unsupported naming the key, with fact::kConversionFault.
Result<std::optional<Prompts>> read_prompts(const Gguf& file);

}  // namespace runed::embed
