#include "embed/model/gguf_writer.hpp"

namespace runed::embed {

uint32_t file_type_of(TensorType type) {
  switch (type) {
    case TensorType::f32:
      return 0;
    case TensorType::f16:
      return 1;
    case TensorType::q8_0:
      return 7;
    case TensorType::bf16:
      return 32;
    default:
      return 1024;  // LLAMA_FTYPE_GUESSED: whoever reads it looks at the tensors.
  }
}

}  // namespace runed::embed
