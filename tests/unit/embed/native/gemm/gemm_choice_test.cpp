#include "embed/native/gemm/gemm_choice.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "embed/native/isa/kernel_choice.hpp"
#include "support/gemm_reference.hpp"
#include "support/left_out.hpp"
#include "support/result_matchers.hpp"
#include "support/stored_weights.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::embed::block_layout;
using runed::embed::ModelSpec;
using runed::embed::NormPlace;
using runed::embed::TensorType;
using runed::embed::native::attention_gemm;
using runed::embed::native::available_kernels;
using runed::embed::native::check_compute;
using runed::embed::native::choose_gemms;
using runed::embed::native::formats_of;
using runed::embed::native::Kernel;
using runed::embed::native::kPortableKernel;
using runed::embed::native::LayerWeights;
using runed::embed::native::Matrix;
using runed::embed::native::name_of;
using runed::embed::native::NumberFormat;
using runed::embed::native::Weights;
using runed::test::find_gemm;
using runed::test::kAllTypes;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

std::vector<Matrix*> matrices_of(LayerWeights& layer) {
  return {&layer.query, &layer.key, &layer.value, &layer.output,
          &layer.gate,  &layer.up,  &layer.down};
}

const ModelSpec kSpec;  // Of a decoder: its norms come first.
constexpr std::byte kSomewhere{};

// Two layers of one type, of which only that is asked.
Weights weights_of(TensorType type) {
  Weights weights;
  weights.layers.resize(2);
  for (LayerWeights& layer : weights.layers) {
    for (Matrix* matrix : matrices_of(layer)) {
      matrix->type = type;
      matrix->data = &kSomewhere;
    }
  }
  return weights;
}

bool has_int8(TensorType type) {
  return type == TensorType::q8_0 || type == TensorType::q6_k || type == TensorType::q5_k ||
         type == TensorType::q4_k;
}

// What `automatic` is for a file of one type where the kernel multiplies in integers.
NumberFormat automatic_for(TensorType type) {
  if (has_int8(type)) return NumberFormat::int8;
  return type == TensorType::f32 ? NumberFormat::f32 : NumberFormat::int16;
}

// Calls check(kernel) for each kernel that multiplies in integers.
template <typename Check>
void for_each_integer_kernel(const Check& check) {
  bool has_any = false;
  for (const Kernel* kernel : available_kernels()) {
    if (kernel->int8 == nullptr) continue;
    INFO("kernel " << kernel->name);
    check(*kernel);
    has_any = true;
  }
  if (!has_any) runed::test::say_lacking("kernel that multiplies in integers");
}

}  // namespace

TEST_CASE("each instruction set has its formats") {
  for (const Kernel* kernel : available_kernels()) {
    INFO("kernel " << kernel->name);
    std::vector<NumberFormat> expected{NumberFormat::f32};
    if (kernel->name == "avx512-bf16") expected.push_back(NumberFormat::bf16);
    if (kernel->name == "avx512-bf16" || kernel->name.ends_with("vnni")) {
      expected.insert(expected.end(), {NumberFormat::int16, NumberFormat::int8});
    }
    CHECK(formats_of(*kernel) == expected);
    unwrap(check_compute(NumberFormat::automatic, *kernel));
    for (const NumberFormat format : expected) unwrap(check_compute(format, *kernel));
  }
}

TEST_CASE("a format that a kernel lacks is refused with the choices") {
  const Error error = unwrap_error(check_compute(NumberFormat::int8, kPortableKernel));
  CHECK(error.code == ErrorCode::invalid_argument);
  CHECK(error.message == "the portable kernel does not compute in int8");
  CHECK(error.hint == "choose one of: auto, f32");
}

TEST_CASE("left to choose, weights that are rounded already are multiplied in integers") {
  for (const Kernel* kernel : available_kernels()) {
    for (const TensorType type : kAllTypes) {
      INFO("kernel " << kernel->name << ", " << block_layout(type).name);
      Weights weights = weights_of(type);
      const NumberFormat expected =
          kernel->int8 != nullptr ? automatic_for(type) : NumberFormat::f32;
      CHECK(choose_gemms(weights, kSpec, NumberFormat::automatic, *kernel) == expected);
      for (LayerWeights& layer : weights.layers) {
        for (const Matrix* matrix : matrices_of(layer)) {
          CHECK(matrix->gemm == find_gemm(*kernel, expected, type));
        }
      }
    }
  }
}

TEST_CASE("what is asked for is chosen, for every type of weights") {
  for (const Kernel* kernel : available_kernels()) {
    for (const NumberFormat asked : formats_of(*kernel)) {
      for (const TensorType type : kAllTypes) {
        INFO("kernel " << kernel->name << ", " << name_of(asked) << ", "
                       << block_layout(type).name);
        const NumberFormat expected =
            asked == NumberFormat::int8 && !has_int8(type) ? NumberFormat::int16 : asked;
        Weights weights = weights_of(type);
        CHECK(choose_gemms(weights, kSpec, asked, *kernel) == expected);
        for (LayerWeights& layer : weights.layers) {
          for (const Matrix* matrix : matrices_of(layer)) {
            CHECK(matrix->gemm == find_gemm(*kernel, expected, type));
          }
        }
      }
    }
  }
}

TEST_CASE("one quantized matrix in a file is multiplied in int8, the others in int16") {
  for_each_integer_kernel([](const Kernel& kernel) {
    Weights weights = weights_of(TensorType::f16);
    weights.layers[1].down.type = TensorType::q6_k;
    CHECK(choose_gemms(weights, kSpec, NumberFormat::automatic, kernel) == NumberFormat::int8);
    CHECK(weights.layers[1].down.gemm == &kernel.int8->q6_k);
    CHECK(weights.layers[0].down.gemm == kernel.int16);
    CHECK(weights.layers[1].output.gemm == kernel.int16);
  });
}

// As llama.cpp falls back to where rows are no multiple of 256.
TEST_CASE("quantized weights that have no int8 are multiplied in int16 beside those that have") {
  for_each_integer_kernel([](const Kernel& kernel) {
    Weights weights = weights_of(TensorType::q5_0);
    CHECK(choose_gemms(weights, kSpec, NumberFormat::automatic, kernel) == NumberFormat::int16);
    CHECK(weights.layers[0].query.gemm == kernel.int16);
    weights.layers[1].down.type = TensorType::q6_k;
    weights.layers[1].value.type = TensorType::q8_0;  // Beside a query of Q5_0.
    CHECK(choose_gemms(weights, kSpec, NumberFormat::automatic, kernel) == NumberFormat::int8);
    CHECK(weights.layers[1].down.gemm == &kernel.int8->q6_k);
    CHECK(weights.layers[1].value.gemm == kernel.int16);
    CHECK(weights.layers[0].gate.gemm == kernel.int16);
  });
}

TEST_CASE("matrices that share an input are multiplied in formats that prepare it alike") {
  for_each_integer_kernel([](const Kernel& kernel) {
    Weights weights = weights_of(TensorType::q4_k);
    weights.layers[0].value.type = TensorType::q6_k;
    weights.layers[1].value.type = TensorType::f16;
    weights.layers[1].up.type = TensorType::f16;
    CHECK(choose_gemms(weights, kSpec, NumberFormat::int8, kernel) == NumberFormat::int8);
    CHECK(weights.layers[0].query.gemm == &kernel.int8->q4_k);
    CHECK(weights.layers[0].value.gemm == &kernel.int8->q6_k);
    for (LayerWeights& layer : weights.layers) {
      for (const Matrix* matrix : {&layer.key, &layer.value}) {
        CHECK(matrix->gemm->prepare == layer.query.gemm->prepare);
      }
      CHECK(layer.up.gemm->prepare == layer.gate.gemm->prepare);
    }
    CHECK(weights.layers[1].query.gemm == kernel.int16);
    CHECK(weights.layers[1].gate.gemm == kernel.int16);
    CHECK(weights.layers[1].down.gemm == &kernel.int8->q4_k);
  });
}

TEST_CASE("one matrix of F32 keeps a file of 16-bit floats in f32") {
  for_each_integer_kernel([](const Kernel& kernel) {
    Weights weights = weights_of(TensorType::f16);
    weights.layers[1].down.type = TensorType::f32;
    CHECK(choose_gemms(weights, kSpec, NumberFormat::automatic, kernel) == NumberFormat::f32);
  });
}

TEST_CASE("left to choose, a norm with a few channels far above the others keeps int8 away") {
  for_each_integer_kernel([](const Kernel& kernel) {
    for (const float outlier : {10.0F, -10.0F, 20.0F, -20.0F}) {
      INFO("outlier " << outlier);
      const NumberFormat expected =
          std::abs(outlier) > 16 ? NumberFormat::int16 : NumberFormat::int8;
      Weights weights = weights_of(TensorType::q8_0);
      weights.layers[1].ff_norm.weight.assign(64, 1.0F);
      weights.layers[1].ff_norm.weight[5] = outlier;
      CHECK(choose_gemms(weights, kSpec, NumberFormat::automatic, kernel) == expected);
      weights.layers[0].attention_norm = std::exchange(weights.layers[1].ff_norm, {});
      CHECK(choose_gemms(weights, kSpec, NumberFormat::automatic, kernel) == expected);
      CHECK(choose_gemms(weights, kSpec, NumberFormat::int8, kernel) == NumberFormat::int8);
    }
  });
}

TEST_CASE("left to choose, norms that come after what they are for keep int8 away") {
  for_each_integer_kernel([](const Kernel& kernel) {
    ModelSpec encoder;
    encoder.norm_place = NormPlace::after;
    Weights weights = weights_of(TensorType::q8_0);
    CHECK(choose_gemms(weights, encoder, NumberFormat::automatic, kernel) == NumberFormat::int16);
    CHECK(choose_gemms(weights, encoder, NumberFormat::int8, kernel) == NumberFormat::int8);
  });
}

TEST_CASE("left to choose, an encoder of F32 is computed in int16, unless a norm has high channels") {
  for_each_integer_kernel([](const Kernel& kernel) {
    ModelSpec encoder;
    encoder.norm_place = NormPlace::after;
    Weights weights = weights_of(TensorType::f32);
    CHECK(choose_gemms(weights, encoder, NumberFormat::automatic, kernel) == NumberFormat::int16);
    CHECK(choose_gemms(weights, encoder, NumberFormat::f32, kernel) == NumberFormat::f32);
    weights.layers[0].ff_norm.weight.assign(64, 1.0F);
    weights.layers[0].ff_norm.weight[5] = 20;
    CHECK(choose_gemms(weights, encoder, NumberFormat::automatic, kernel) == NumberFormat::f32);
  });
}

TEST_CASE("without a gate the first feed-forward matrix has a format of its own") {
  for_each_integer_kernel([](const Kernel& kernel) {
    Weights weights = weights_of(TensorType::q8_0);
    for (LayerWeights& layer : weights.layers) layer.gate = {};
    choose_gemms(weights, kSpec, NumberFormat::automatic, kernel);
    CHECK(weights.layers[0].up.gemm == &kernel.int8->q8_0);
    CHECK(weights.layers[0].gate.gemm == nullptr);
  });
}

TEST_CASE("gate and up of any two types are multiplied by one panel's format") {
  for_each_integer_kernel([](const Kernel& kernel) {
    for (const TensorType gate : kAllTypes) {
      for (const TensorType up : kAllTypes) {
        INFO(block_layout(gate).name << " and " << block_layout(up).name);
        Weights weights = weights_of(TensorType::q4_k);
        LayerWeights& layer = weights.layers[1];
        layer.gate.type = gate;
        layer.up.type = up;
        choose_gemms(weights, kSpec, NumberFormat::automatic, kernel);
        CHECK(layer.gate.gemm->multiply == layer.up.gemm->multiply);
        CHECK(layer.gate.gemm->prepare == layer.up.gemm->prepare);
        if (gate == up && has_int8(gate)) CHECK(layer.gate.gemm != kernel.int16);
      }
    }
  });
}

TEST_CASE("the int8 formats of all types prepare inputs alike") {
  for_each_integer_kernel([](const Kernel& kernel) {
    for (const TensorType type : {TensorType::q6_k, TensorType::q5_k, TensorType::q4_k}) {
      CHECK(find_gemm(kernel, NumberFormat::int8, type)->prepare == kernel.int8->q8_0.prepare);
    }
  });
}

TEST_CASE("attention is computed in int16 where weights are in int8, else in their format") {
  for (const Kernel* kernel : available_kernels()) {
    CHECK(&attention_gemm(*kernel, NumberFormat::f32) == &kernel->f32);
    if (kernel->bf16 != nullptr)
      CHECK(&attention_gemm(*kernel, NumberFormat::bf16) == kernel->bf16);
    if (kernel->int16 == nullptr) continue;
    CHECK(&attention_gemm(*kernel, NumberFormat::int16) == kernel->int16);
    CHECK(&attention_gemm(*kernel, NumberFormat::int8) == kernel->int16);
  }
}
