#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embed/model/hf/json_fields.hpp"

namespace runed::embed::hf {

/// Returns the refusal of a part of tokenizer.json, such as the `normalizer` of the name 'NFKC'.
Error refuse_component(std::string_view kind, std::string_view name);

/// Returns what a component says that it is.
Result<std::string> type_of(const Fields& component);

/// Returns what stands under a key of tokenizer.json, in its order: one component, or those of a
/// Sequence, of which each may be one again; none for null. `parts` is the member of a Sequence that
/// holds them.
Result<std::vector<Fields>> components_of(const Fields& tokenizer, std::string_view key,
                                          std::string_view parts);

}  // namespace runed::embed::hf
