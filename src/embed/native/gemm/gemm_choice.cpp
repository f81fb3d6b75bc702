#include "embed/native/gemm/gemm_choice.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>

#include "base/check.hpp"

namespace runed::embed::native {
namespace {

// Matrices that share their input: it is prepared once for all of them.
using Group = std::initializer_list<Matrix*>;

template <typename Work>
void for_each_group(Weights& weights, const Work& work) {
  for (LayerWeights& layer : weights.layers) {
    work(Group{&layer.query, &layer.key, &layer.value});
    work(Group{&layer.output});
    if (layer.gate.is_there()) {
      work(Group{&layer.gate, &layer.up});
    } else {
      work(Group{&layer.up});
    }
    work(Group{&layer.down});
  }
}

// Other quantized weights are multiplied as those that are not: they have no panel of their own.
bool has_int8(TensorType type) {
  return type == TensorType::q8_0 || type == TensorType::q6_k || type == TensorType::q5_k ||
         type == TensorType::q4_k;
}

bool has_int8(Group group) {
  return std::ranges::all_of(group, [](const Matrix* matrix) { return has_int8(matrix->type); });
}

bool has_int8(Weights& weights) {
  bool found = false;
  for_each_group(weights, [&](Group group) { found = found || has_int8(group); });
  return found;
}

const Gemm& find_int8(const Int8Gemms& gemms, TensorType type) {
  switch (type) {
    case TensorType::q8_0:
      return gemms.q8_0;
    case TensorType::q6_k:
      return gemms.q6_k;
    case TensorType::q5_k:
      return gemms.q5_k;
    case TensorType::q4_k:
      return gemms.q4_k;
    default:
      break;
  }
  CHECK(false);
}

// How far the greatest weight of a norm may be above the middle one. A channel that is always twenty
// times the others of its block leaves them three of their eight bits: vectors of a model made so
// had a cosine of 0.99 to those in f32 in the mean and of 0.56 at worst (bench/RESULTS.md).
constexpr float kMostAboveMedian = 16;

bool is_heavy_tailed(const NormWeights& norm) {
  if (!norm.is_there()) return false;
  // Of each channel, how far it is from zero where it is one off the mean.
  std::vector<float> reach;
  for (size_t i = 0; i < norm.weight.size(); ++i) {
    reach.push_back(std::abs(norm.weight[i]) + (norm.bias.empty() ? 0 : std::abs(norm.bias[i])));
  }
  const auto middle = reach.begin() + static_cast<ptrdiff_t>(reach.size() / 2);
  std::ranges::nth_element(reach, middle);
  return *std::ranges::max_element(reach) > kMostAboveMedian * *middle;
}

bool has_heavy_tails(const Weights& weights) {
  return is_heavy_tailed(weights.embedding_norm) ||
         std::ranges::any_of(weights.layers, [](const LayerWeights& layer) {
           return is_heavy_tailed(layer.attention_norm) || is_heavy_tailed(layer.ff_norm);
         });
}

// Inputs of int8 are too coarse where the stream itself is normalised after each part: of an encoder
// the worst of 64 vectors was 1.9e-3 off the exact one (bench/RESULTS.md), twice what is promised.
// Nobody has measured other encoders, for want of their weights. A score is the difference of two
// products, of which that rounding was up to 0.3 in a tiny model.
bool bears_int8(const Weights& weights, const ModelSpec& spec) {
  return spec.norm_place == NormPlace::before && spec.mask == Mask::causal &&
         spec.head == Head::none && !has_heavy_tails(weights);
}

// Files of F32 are there for their precision, which int16 keeps in such an encoder: the worst of 64
// vectors is 2e-6 off that in f32. To 16-bit floats it adds less than what rounding to them has cost
// (bench/RESULTS.md).
bool needs_f32(Weights& weights, const ModelSpec& spec) {
  if (spec.norm_place == NormPlace::after && !has_heavy_tails(weights)) return false;
  bool has_f32 = false;
  for_each_group(weights, [&](Group group) {
    for (const Matrix* matrix : group) has_f32 = has_f32 || matrix->type == TensorType::f32;
  });
  return has_f32;
}

NumberFormat choose_for(Weights& weights, const ModelSpec& spec, const Kernel& kernel) {
  if (kernel.int16 == nullptr) return NumberFormat::f32;
  if (has_int8(weights)) {
    return bears_int8(weights, spec) ? NumberFormat::int8 : NumberFormat::int16;
  }
  return needs_f32(weights, spec) ? NumberFormat::f32 : NumberFormat::int16;
}

NumberFormat resolve(Weights& weights, const ModelSpec& spec, NumberFormat requested,
                     const Kernel& kernel) {
  switch (requested) {
    case NumberFormat::automatic:
      return choose_for(weights, spec, kernel);
    case NumberFormat::int8:
      return has_int8(weights) ? NumberFormat::int8 : NumberFormat::int16;
    case NumberFormat::f32:
    case NumberFormat::bf16:
    case NumberFormat::int16:
      break;
  }
  return requested;
}

// Gate and up lie side by side in each panel, which one Gemm multiplies: those of two types of
// quantized weights may differ in what follows the integers.
bool share_panels(const Matrix& gate, const Matrix& up) {
  return gate.gemm->multiply == up.gemm->multiply;
}

}  // namespace

std::vector<NumberFormat> formats_of(const Kernel& kernel) {
  std::vector<NumberFormat> formats{NumberFormat::f32};
  if (kernel.bf16 != nullptr) formats.push_back(NumberFormat::bf16);
  if (kernel.int16 != nullptr) formats.push_back(NumberFormat::int16);
  if (kernel.int8 != nullptr) formats.push_back(NumberFormat::int8);
  return formats;
}

Status check_compute(NumberFormat requested, const Kernel& kernel) {
  if (requested == NumberFormat::automatic) return {};
  std::string choices(name_of(NumberFormat::automatic));
  for (const NumberFormat format : formats_of(kernel)) {
    if (format == requested) return {};
    choices.append(", ").append(name_of(format));
  }
  return make_error(ErrorCode::invalid_argument, "the {} kernel does not compute in {}",
                    kernel.name, name_of(requested))
      .with_hint(fmt::format("choose one of: {}", choices));
}

NumberFormat choose_gemms(Weights& weights, const ModelSpec& spec, NumberFormat requested,
                          const Kernel& kernel) {
  if (weights.layers.empty()) return NumberFormat::f32;  // There is no product.
  const NumberFormat compute = resolve(weights, spec, requested, kernel);
  for_each_group(weights, [&](Group group) {
    const bool use_int8 = compute == NumberFormat::int8 && has_int8(group);
    for (Matrix* matrix : group) {
      matrix->gemm =
          use_int8 ? &find_int8(*kernel.int8, matrix->type) : &attention_gemm(kernel, compute);
    }
  });
  for (LayerWeights& layer : weights.layers) {
    if (!layer.gate.is_there() || share_panels(layer.gate, layer.up)) continue;
    layer.gate.gemm = layer.up.gemm = &attention_gemm(kernel, compute);
  }
  return compute;
}

const Gemm& attention_gemm(const Kernel& kernel, NumberFormat compute) {
  switch (compute) {
    case NumberFormat::bf16:
      return *kernel.bf16;
    case NumberFormat::int16:
    case NumberFormat::int8:
      return *kernel.int16;
    case NumberFormat::automatic:
    case NumberFormat::f32:
      break;
  }
  return kernel.f32;
}

}  // namespace runed::embed::native
