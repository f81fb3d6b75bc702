#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace runed::bootstrap {

/// Returns the variant under which the model in the executable is served: `builtin:` and its name.
const std::string& builtin_variant();

/// Finds the variant that is meant among `names`: in full, or by its last part (`q8_0` for
/// `qwen3-embedding-0.6b.q8_0`).
/// Errors: not_found listing the names; bad_config if it could be any of several.
Result<std::string> find_variant(std::span<const std::string> names, std::string_view wanted);

/// Lists the names for a hint, the nearest to what was wanted first, be it the last part of one and in
/// whatever case: `did you mean 'q8_0'? there are: m.q8_0, m.f16`.
std::string advise_variant(std::span<const std::string> names, std::string_view wanted);

/// Lists names for people, with what a terminal must not get made visible.
std::string join_names(std::span<const std::string> names);

/// Tells whether a name can be a variant: it becomes the name of a file, so it has letters, digits
/// and `.`, `_`, `-`, `+` only, and begins with none of these.
bool is_variant_name(std::string_view name);

}  // namespace runed::bootstrap
