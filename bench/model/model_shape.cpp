#include "model_shape.hpp"

#include <fmt/format.h>

#include <string_view>

#include "embed/model/gguf.hpp"
#include "os/file/mapped_file.hpp"
#include "support/gguf_builder.hpp"

namespace runed::bench {
namespace {

using embed::block_layout;
using embed::Gguf;
using embed::TensorType;
using Role = TensorPlan::Role;

constexpr uint64_t kAlignment = 32;  // Source: GGUF specification, general.alignment.

// Source: llama.cpp, enum llama_ftype; of a K-quant without mixtures, `_S`.
uint32_t stored_file_type(Quantization quantization) {
  if (quantization.is_mixed) return quantization.type == TensorType::q4_k ? 15 : 17;
  switch (quantization.type) {
    case TensorType::f32:
      return 0;
    case TensorType::f16:
      return 1;
    case TensorType::q4_0:
      return 2;
    case TensorType::q4_1:
      return 3;
    case TensorType::q8_0:
      return 7;
    case TensorType::q5_0:
      return 8;
    case TensorType::q5_1:
      return 9;
    case TensorType::q4_k:
      return 14;
    case TensorType::q5_k:
      return 16;
    case TensorType::q6_k:
      return 18;
    case TensorType::iq4_nl:
      return 25;
    case TensorType::bf16:
      return 32;
  }
  return 0;
}

// What the tokenizer of a model file consists of.
Status copy_tokenizer(const Gguf& from, test::GgufBuilder& to) {
  for (const char* key : {"tokenizer.ggml.model", "tokenizer.ggml.pre"}) {
    TRY_ASSIGN(const std::string_view text, from.string_value(key));
    to.set(key, std::string(text));
  }
  for (const char* key : {"tokenizer.ggml.tokens", "tokenizer.ggml.merges"}) {
    TRY_ASSIGN(const std::vector<std::string_view> texts, from.string_array(key));
    to.set(key, std::vector<std::string>(texts.begin(), texts.end()));
  }
  TRY_ASSIGN(const std::vector<int32_t> types, from.int_array("tokenizer.ggml.token_type"));
  to.set("tokenizer.ggml.token_type", types);
  TRY_ASSIGN(const uint64_t eos, from.unsigned_value("tokenizer.ggml.eos_token_id"));
  to.set("tokenizer.ggml.eos_token_id", static_cast<uint32_t>(eos))
      .set("tokenizer.ggml.padding_token_id", static_cast<uint32_t>(eos))
      .set("tokenizer.ggml.add_eos_token", true)
      .set("tokenizer.ggml.add_bos_token", false);
  return {};
}

void describe(const ModelShape& shape, Quantization quantization, test::GgufBuilder& to) {
  to.set("general.architecture", "qwen3")
      .set("general.name",
           fmt::format("synthetic {}x{} {}{}", shape.layers, shape.width,
                       block_layout(quantization.type).name, quantization.is_mixed ? "_M" : ""))
      .set("general.file_type", stored_file_type(quantization))
      .set("general.quantization_version", uint32_t{2})
      .set("qwen3.block_count", shape.layers)
      .set("qwen3.context_length", shape.context)
      .set("qwen3.embedding_length", shape.width)
      .set("qwen3.feed_forward_length", shape.ff_width)
      .set("qwen3.attention.head_count", shape.heads)
      .set("qwen3.attention.head_count_kv", shape.kv_heads)
      .set("qwen3.attention.key_length", shape.head_width)
      .set("qwen3.attention.value_length", shape.head_width)
      .set("qwen3.attention.layer_norm_rms_epsilon", 1e-6F)
      .set("qwen3.rope.freq_base", 1e6F)
      .set("qwen3.pooling_type", uint32_t{3});
}

// The layers whose values and second feed-forward matrix get more bits in a mixture: the first and
// the last eighth, and every third between them. Source: llama.cpp, llama-quant.cpp, use_more_bits.
bool gets_more_bits(uint32_t layer, uint32_t layers) {
  const uint32_t eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

}  // namespace

uint64_t TensorPlan::row_bytes() const {
  const auto layout = block_layout(type);
  return columns / layout.block_elements * layout.block_bytes;
}

Result<std::vector<TensorPlan>> plan_tensors(const ModelShape& shape, uint64_t vocabulary,
                                             Quantization quantization) {
  const uint64_t query_width = uint64_t{shape.heads} * shape.head_width;
  const uint64_t kv_width = uint64_t{shape.kv_heads} * shape.head_width;
  const TensorType type = quantization.type;
  const auto layout = block_layout(type);
  for (const uint64_t columns : {uint64_t{shape.width}, uint64_t{shape.ff_width}, query_width}) {
    if (columns % layout.block_elements == 0) continue;
    return make_error(ErrorCode::invalid_argument, "rows of {} are not whole blocks of {} ({})",
                      columns, layout.block_elements, layout.name);
  }
  std::vector<TensorPlan> tensors;
  uint64_t end = 0;
  const auto add = [&](std::string name, Role role, uint64_t columns, uint64_t rows,
                       bool with_more_bits = false) {
    const bool is_matrix = role == Role::matrix || role == Role::embedding;
    const TensorType matrix_type = with_more_bits ? TensorType::q6_k : type;
    tensors.push_back({std::move(name), role, is_matrix ? matrix_type : TensorType::f32, columns,
                       rows, (end + kAlignment - 1) / kAlignment * kAlignment});
    end = tensors.back().end();
  };
  // It is the output layer, too, and stored as that.
  add("token_embd.weight", Role::embedding, shape.width, vocabulary, quantization.is_mixed);
  for (uint32_t layer = 0; layer < shape.layers; ++layer) {
    const auto name = [layer](std::string_view part) {
      return fmt::format("blk.{}.{}.weight", layer, part);
    };
    const bool more = quantization.is_mixed && gets_more_bits(layer, shape.layers);
    add(name("attn_norm"), Role::layer_norm, shape.width, 1);
    add(name("attn_q"), Role::matrix, shape.width, query_width);
    add(name("attn_q_norm"), Role::norm, shape.head_width, 1);
    add(name("attn_k"), Role::matrix, shape.width, kv_width);
    add(name("attn_k_norm"), Role::norm, shape.head_width, 1);
    add(name("attn_v"), Role::matrix, shape.width, kv_width, more);
    add(name("attn_output"), Role::matrix, query_width, shape.width);
    add(name("ffn_norm"), Role::layer_norm, shape.width, 1);
    add(name("ffn_gate"), Role::matrix, shape.width, shape.ff_width);
    add(name("ffn_up"), Role::matrix, shape.width, shape.ff_width);
    add(name("ffn_down"), Role::matrix, shape.ff_width, shape.width, more);
  }
  add("output_norm.weight", Role::norm, shape.width, 1);
  return tensors;
}

Result<Header> make_header(const ModelShape& shape, Quantization quantization,
                           const std::string& vocabulary_path) {
  TRY_ASSIGN(const os::MappedFile file, os::MappedFile::open(vocabulary_path));
  TRY_ASSIGN(const Gguf vocabulary, Gguf::parse_metadata(file.bytes()));
  TRY_ASSIGN(const uint64_t tokens, vocabulary.array_size("tokenizer.ggml.tokens"));
  test::GgufBuilder builder;
  describe(shape, quantization, builder);
  TRY(copy_tokenizer(vocabulary, builder));
  Header header;
  TRY_ASSIGN(header.tensors, plan_tensors(shape, tokens, quantization));
  for (const TensorPlan& tensor : header.tensors) {
    const bool is_row = tensor.role == Role::norm || tensor.role == Role::layer_norm;
    std::vector<uint64_t> sizes{tensor.columns};
    if (!is_row) sizes.push_back(tensor.rows);
    builder.tensor_raw(tensor.name, static_cast<uint32_t>(tensor.type), sizes, tensor.offset);
  }
  header.bytes = builder.build();
  return header;
}

}  // namespace runed::bench
