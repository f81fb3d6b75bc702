#pragma once

#include <string>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/hf/directory_files.hpp"

namespace runed::embed::hf {

/// Reads a directory of Hugging Face's form as if it were a GGUF file: its keys are those that
/// llama.cpp's converter writes, and a few of our own (`runed.*`); its tensors are those of the
/// safetensors files, where they lie. `name` is what the model is called.
/// Errors: model_unsupported naming the file and the component that nobody here computes;
///         model_corrupt, model_missing.
Result<Gguf> read_directory(const DirectoryFiles& files, const std::string& name);

/// What a model in this directory is called: its last folder, or in the cache of huggingface_hub
/// (`models--OWNER--NAME/snapshots/REVISION`) the name there.
std::string directory_model_name(const std::string& path);

}  // namespace runed::embed::hf
