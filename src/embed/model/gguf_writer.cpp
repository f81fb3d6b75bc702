#include "embed/model/gguf_writer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "embed/model/gguf_metadata.hpp"
#include "embed/model/quantize.hpp"

namespace runed::embed {
namespace {

constexpr std::string_view kAlignmentKey = "general.alignment";
constexpr std::string_view kFileTypeKey = "general.file_type";
constexpr uint64_t kUsualAlignment = 32;
constexpr size_t kChunkBytes = size_t{1} << 20;

// Tables that llama.cpp always has in F32, and routers of experts.
// Source: llama.cpp, conversion/base.py, prepare_tensors.
constexpr std::array<std::string_view, 3> kExactParts{"position_embd", "token_types",
                                                      "ffn_gate_inp."};

/// A tensor as it will be in the file.
struct PlannedTensor {
  const Tensor* source = nullptr;
  TensorType type = TensorType::f32;
  uint64_t row_bytes = 0;
  uint64_t offset = 0;  // From the start of the data.

  uint64_t size_bytes() const { return row_bytes * source->rows(); }
};

uint64_t row_bytes_of(const Tensor& tensor, TensorType type) {
  const BlockLayout layout = block_layout(type);
  return tensor.columns() / layout.block_elements * layout.block_bytes;
}

bool is_matrix(const Tensor& tensor) {
  return tensor.rows() > 1 && std::ranges::none_of(kExactParts, [&](std::string_view part) {
           return tensor.name.find(part) != std::string_view::npos;
         });
}

TensorType type_in_file(const Tensor& tensor, std::optional<TensorType> type) {
  if (!is_matrix(tensor)) return can_read_rows(tensor.type) ? TensorType::f32 : tensor.type;
  const TensorType wanted = type.value_or(tensor.type);
  const bool fits = tensor.columns() % block_layout(wanted).block_elements == 0;
  return fits ? wanted : TensorType::f16;
}

class Writer {
 public:
  Writer(const Gguf& model, const ByteSink& sink) : model_(model), sink_(sink) {}

  Status write(std::optional<TensorType> type) {
    TRY_ASSIGN(alignment_, read_alignment());
    for (const Tensor& tensor : model_.tensors()) TRY(plan(tensor, type));
    TRY(put(header(type)));
    TRY(pad());
    for (const PlannedTensor& tensor : tensors_) {
      TRY(put_data(tensor));
      TRY(pad());
    }
    return {};
  }

 private:
  Result<uint64_t> read_alignment() const {
    if (!model_.has(kAlignmentKey)) return kUsualAlignment;
    return model_.unsigned_value(kAlignmentKey);
  }

  Status plan(const Tensor& tensor, std::optional<TensorType> type) {
    PlannedTensor planned{.source = &tensor, .type = type_in_file(tensor, type)};
    const bool is_kept = planned.type == tensor.type;
    if (!is_kept && !(can_read_rows(tensor.type) && can_write_rows(planned.type))) {
      return make_error(ErrorCode::model_unsupported,
                        "tensor '{}' is of type {}, which cannot be made {}",
                        printable(tensor.name), block_layout(tensor.type).name,
                        block_layout(planned.type).name)
          .with_hint("convert the model that it was made of");
    }
    planned.row_bytes = row_bytes_of(tensor, planned.type);
    planned.offset = data_bytes_;
    const uint64_t size = planned.size_bytes();
    data_bytes_ += size + padding_after(size);
    tensors_.push_back(planned);
    return {};
  }

  // Everything before the data.
  std::string header(std::optional<TensorType> type) const {
    std::string values(reinterpret_cast<const char*>(model_.stored_values().data()),
                       model_.stored_values().size());
    uint64_t count = model_.value_count();
    if (type) {
      const uint32_t file_type = file_type_of(*type);
      if (const auto at = model_.find_stored_u32(kFileTypeKey)) {
        std::memcpy(values.data() + *at, &file_type, sizeof file_type);
      } else if (!model_.has(kFileTypeKey)) {
        GgufMetadata added;
        added.add(kFileTypeKey, file_type);
        values += added.values();
        ++count;
      }
    }
    std::string bytes = gguf_preamble(tensors_.size(), count) + values;
    for (const PlannedTensor& tensor : tensors_) {
      const auto& shape = tensor.source->shape;
      auto rank = static_cast<uint32_t>(shape.size());
      while (rank > 1 && shape[rank - 1] == 1) --rank;
      bytes += gguf_string(tensor.source->name) + gguf_number(rank);
      for (uint32_t i = 0; i < rank; ++i) bytes += gguf_number(shape[i]);
      bytes += gguf_number(static_cast<uint32_t>(tensor.type)) + gguf_number(tensor.offset);
    }
    return bytes;
  }

  // A number that is none, or that the type has no room for, would become another one.
  static Status check_numbers(const PlannedTensor& tensor, std::span<const float> numbers) {
    const float most = greatest_of(tensor.type);
    const auto fits = [most](float number) { return std::fabs(number) <= most; };
    if (std::ranges::all_of(numbers, fits)) return {};
    return make_error(ErrorCode::model_corrupt,
                      "tensor '{}' has a number that is not finite, or too large for {}",
                      printable(tensor.source->name), block_layout(tensor.type).name);
  }

  Status put_data(const PlannedTensor& tensor) {
    const std::span<const std::byte> data = tensor.source->data;
    if (tensor.type == tensor.source->type) return put(as_text(data));
    const uint64_t source_row_bytes = data.size() / tensor.source->rows();
    const uint64_t rows_at_once = std::max<uint64_t>(1, kChunkBytes / tensor.row_bytes);
    std::vector<float> numbers(tensor.source->columns());
    std::vector<std::byte> chunk;
    for (uint64_t row = 0; row < tensor.source->rows(); ++row) {
      const size_t at = chunk.size();
      chunk.resize(at + tensor.row_bytes);
      read_row(tensor.source->type, data.subspan(row * source_row_bytes, source_row_bytes),
               numbers);
      TRY(check_numbers(tensor, numbers));
      write_row(tensor.type, numbers, std::span(chunk).subspan(at));
      if ((row + 1) % rows_at_once != 0) continue;
      TRY(put(as_text(chunk)));
      chunk.clear();
    }
    return put(as_text(chunk));
  }

  uint64_t padding_after(uint64_t size) const {
    return (alignment_ - size % alignment_) % alignment_;
  }

  static std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  Status put(std::string_view bytes) {
    written_ += bytes.size();
    return sink_(bytes);
  }

  Status pad() { return put(std::string(padding_after(written_), '\0')); }

  const Gguf& model_;
  const ByteSink& sink_;
  uint64_t alignment_ = kUsualAlignment;
  std::vector<PlannedTensor> tensors_;
  uint64_t data_bytes_ = 0;
  uint64_t written_ = 0;
};

}  // namespace

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

Status write_gguf(const Gguf& model, std::optional<TensorType> type, const ByteSink& sink) {
  return Writer(model, sink).write(type);
}

}  // namespace runed::embed
