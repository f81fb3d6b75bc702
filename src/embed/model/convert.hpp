#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embed/model/tensor_type.hpp"

namespace runed::embed {

/// What is made of a model, and where.
struct Conversion {
  std::string source;              // A directory of Hugging Face's form, or a GGUF file.
  std::string target;              // The GGUF file to write.
  std::optional<TensorType> type;  // Of its matrices; none: as they are stored.
  bool may_replace = false;        // Whether a file at `target` may go.
};

/// The file that was written.
struct ConvertedFile {
  std::string sha256;
  uint64_t size_bytes = 0;
  uint64_t tensors = 0;
};

/// The types that matrices can be stored in, as convert spells them: `q8_0`.
std::vector<std::string> conversion_types();

/// Finds one of them.
/// Errors: usage naming all of them.
Result<TensorType> parse_conversion_type(std::string_view text);

/// Writes a model as a GGUF file, which is there only once it is complete.
/// Errors: usage if there is a file that may not go; those of ModelFile, of ModelFile::gguf and of
///         write_gguf; io.
Result<ConvertedFile> convert_model(const Conversion& conversion);

}  // namespace runed::embed
