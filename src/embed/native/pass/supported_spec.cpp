// What this engine computes. A model may be more than that, and then another engine may compute it.
#include "embed/native/pass/supported_spec.hpp"

#include <fmt/format.h>

#include "embed/model/architecture.hpp"
#include "embed/tokenizer/tokenizer_table.hpp"

namespace runed::embed::native {
namespace {

template <typename Value, typename Expected>
Error refused(std::string_view key, const Value& found, const Expected& expected) {
  return make_error(ErrorCode::model_unsupported, "key '{}' is {} where {} was expected", key,
                    found, expected);
}

Status check_attention(const ModelSpec& spec) {
  if (spec.window != 0 && spec.mask == Mask::causal) {
    return refused(spec.key("attention.sliding_window"), spec.window, "0");
  }
  if (spec.value_width != spec.head_width) {
    return refused(spec.key("attention.value_length"), spec.value_width,
                   fmt::format("the key length {}", spec.head_width));
  }
  return {};
}

Status check_rotary(const ModelSpec& spec) {
  if (spec.positions != Positions::rotary) return {};
  if (spec.rope_scaling != "none" && spec.rope_scaling != "linear") {
    return refused(spec.key("rope.scaling.type"), fmt::format("'{}'", spec.rope_scaling),
                   "'none' or 'linear'");
  }
  if (spec.rope_scaling == "none" && spec.rope_scaling_factor != 1) {
    return refused(spec.key("rope.scaling.factor"), spec.rope_scaling_factor, "1");
  }
  if (spec.rotary_width != spec.head_width) {
    return refused(spec.key("rope.dimension_count"), spec.rotary_width,
                   fmt::format("the head width {}", spec.head_width));
  }
  return {};
}

Status check_pooling(const ModelSpec& spec) {
  switch (spec.pooled_state()) {
    case Pooling::mean:
    case Pooling::cls:
    case Pooling::last:
      return {};
    case Pooling::none:
    case Pooling::rank:
      break;
  }
  return refused(spec.key("pooling_type"), static_cast<unsigned>(spec.pooling.value),
                 "1 (mean), 2 (cls) or 3 (last)");
}

}  // namespace

Status check_supported(const ModelSpec& spec) {
  TRY(get_architecture(spec.architecture));
  TRY(check_pooling(spec));
  TRY(check_attention(spec));
  TRY(check_rotary(spec));
  return check_tokenizer(spec);
}

bool is_supported(TensorType type) {
  switch (type) {
    case TensorType::f32:
    case TensorType::f16:
    case TensorType::bf16:
    case TensorType::q4_0:
    case TensorType::q4_1:
    case TensorType::q5_0:
    case TensorType::q5_1:
    case TensorType::iq4_nl:
    case TensorType::q8_0:
    case TensorType::q6_k:
    case TensorType::q5_k:
    case TensorType::q4_k:
      return true;
  }
  return false;  // One of those that have no name here (tensor_type.hpp).
}

}  // namespace runed::embed::native
