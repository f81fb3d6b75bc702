#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "bootstrap/config/paths.hpp"

namespace runed::bootstrap {

/// Returns where a variant's model is, whether or not it is there: `models/<variant>.gguf`, or, where
/// there is no such file, the directory in `models/<variant>.hf`. That has the name that the model has,
/// since by its name prompts are known that the files do not have, and of it the digest is.
std::string model_path(const Paths& paths, std::string_view variant);

/// Returns what holds all of it and is removed with it: the file, or `models/<variant>.hf`.
std::string model_tree(const Paths& paths, std::string_view variant);

/// Returns where the file of a variant is that is one, whether or not it is there.
std::string file_path(const Paths& paths, std::string_view variant);

/// Returns what holds the directory of a variant that is one, whether or not it is there.
std::string directory_tree(const Paths& paths, std::string_view variant);

/// Tells whether there is something at a path of model_path that can be a model.
bool is_model_there(const std::string& path);

/// Lists the variants that somebody put into models/, sorted, be it a link that leads nowhere now.
/// Errors: model_missing if models/ cannot be looked into.
Result<std::vector<std::string>> named_variants(const Paths& paths);

/// Lists those of them that are there.
/// Errors: as named_variants.
Result<std::vector<std::string>> installed_variants(const Paths& paths);

}  // namespace runed::bootstrap
