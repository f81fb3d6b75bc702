#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "embed/model/hf/directory_files.hpp"
#include "embed/model/hf/safetensors.hpp"

namespace runed::embed::hf {

/// Reads the tensors of a folder, from one file or from those of its index. `folder` is nothing, or
/// has a slash at its end.
/// Errors: those of parse_safetensors; model_corrupt where the index and the files differ.
Result<std::vector<SafeTensor>> read_weights(const DirectoryFiles& files,
                                             const std::string& folder);

}  // namespace runed::embed::hf
