#include "check_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/clock.hpp"
#include "embed/model/gguf.hpp"
#include "embed/native/isa/kernel_choice.hpp"
#include "embed/native/native_engine.hpp"
#include "embed/request.hpp"
#include "os/file/mapped_file.hpp"
#include "os/machine/cpus.hpp"

namespace runed::bench {
namespace {

using embed::TensorType;

constexpr uint64_t kRowsToCheck = 64;
constexpr double kTooMuchAlike = 0.98;

constexpr std::array kTexts{
    "the cat sat on the mat",
    "Paris is the capital of France.",
    "int main() { return 0; }",
    "A mutex guards the queue; whoever waits for it is told when it is their turn.",
    "12 + 30 = 42",
    "Die Katze sitzt auf der Matte, und der Hund schaut ihr dabei zu.",
};

// Of normal weights, relative to their deviation: half a step, and what scales cost.
double tolerated_error(TensorType type) {
  switch (type) {
    case TensorType::f32:
      return 0;
    case TensorType::f16:
      return 3e-4;
    case TensorType::bf16:
      return 2.5e-3;
    case TensorType::q8_0:
      return 0.008;
    case TensorType::q6_k:
      return 0.02;
    case TensorType::q5_k:
      return 0.04;
    case TensorType::q4_k:
      return 0.08;
    default:  // No file is made of the others.
      break;
  }
  return 0;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;  // Both are of unit length.
  for (size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
  return sum;
}

Result<std::vector<Embedding>> embed_texts(const std::string& path) {
  const SystemClock clock;
  TRY_ASSIGN(const auto engine,
             embed::native::NativeEngine::create(
                 {.source = {.path = path}, .threads = os::available_cpus()}, clock));
  TRY(engine->start());
  std::vector<embed::PreparedText> texts;
  for (const char* text : kTexts) {
    TRY_ASSIGN(embed::PreparedText prepared,
               embed::prepare_text(text, {}, {}, *engine->tokenizer(), engine->info().max_tokens));
    texts.push_back(std::move(prepared));
  }
  return embed::embed_all(*engine, texts);
}

}  // namespace

Status check_numbers(const std::string& path, const RandomWeights& weights,
                     const std::vector<TensorPlan>& tensors) {
  TRY_ASSIGN(const os::MappedFile file, os::MappedFile::open(path));
  TRY_ASSIGN(const embed::Gguf gguf, embed::Gguf::parse(file.bytes()));
  TRY_ASSIGN(const embed::native::Kernel* kernel, embed::native::choose_kernel(""));
  double worst = 0;
  for (const TensorPlan& plan : tensors) {
    const embed::Tensor* tensor = gguf.find_tensor(plan.name);
    if (tensor == nullptr) {
      return make_error(ErrorCode::model_corrupt, "tensor '{}' is missing", plan.name);
    }
    std::vector<float> expected(plan.columns);
    std::vector<float> found(plan.columns);
    double squares = 0;
    double squared_errors = 0;
    const uint64_t step = std::max<uint64_t>(1, plan.rows / kRowsToCheck);
    for (uint64_t row = 0; row < plan.rows; row += step) {
      weights.fill(plan, row, expected);
      kernel->dequantize(plan.type, tensor->data.data() + row * plan.row_bytes(), plan.columns,
                         found.data());
      for (size_t i = 0; i < found.size(); ++i) {
        squares += double{expected[i]} * expected[i];
        squared_errors += std::pow(double{found[i]} - expected[i], 2);
      }
    }
    const double error = std::sqrt(squared_errors / squares);
    if (!(error <= tolerated_error(plan.type))) {
      return make_error(ErrorCode::model_corrupt, "tensor '{}' is off by {:.5f}", plan.name, error);
    }
    worst = std::max(worst, error);
  }
  fmt::print("numbers: relative rms error of the worst tensor {:.5f}\n", worst);
  return {};
}

Status check_vectors(const std::string& path, const std::string& other) {
  TRY_ASSIGN(const std::vector<Embedding> embeddings, embed_texts(path));
  double most = -1;
  double least = 1;
  for (size_t i = 0; i < embeddings.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const double found = cosine(embeddings[i].vector, embeddings[j].vector);
      most = std::max(most, found);
      least = std::min(least, found);
    }
  }
  fmt::print("vectors: cosines of {} texts to each other {:.3f} to {:.3f}\n", embeddings.size(),
             least, most);
  if (!(most < kTooMuchAlike)) {
    return make_error(ErrorCode::model_corrupt, "two texts have a cosine of {:.4f}", most);
  }
  if (other.empty()) return {};
  TRY_ASSIGN(const std::vector<Embedding> others, embed_texts(other));
  double nearest = 1;
  for (size_t i = 0; i < others.size(); ++i) {
    nearest = std::min(nearest, cosine(embeddings[i].vector, others[i].vector));
  }
  fmt::print("vectors: least cosine to those of '{}' {:.6f}\n", other, nearest);
  return {};
}

}  // namespace runed::bench
