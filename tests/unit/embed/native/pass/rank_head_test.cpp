// Rerankers of random weights, of whose files a pass was computed in double by another program.
#include "embed/native/pass/rank_head.hpp"

#include <cmath>
#include <string>

#include "embed/model/model_recognition.hpp"
#include "embed/native/gemm/gemm_choice.hpp"
#include "embed/native/gemm/packed_panels.hpp"
#include "embed/native/isa/kernel_choice.hpp"
#include "embed/native/pass/forward_pass.hpp"
#include "support/read_file.hpp"
#include "support/result_matchers.hpp"
#include "support/tiny_model.hpp"

using runed::Json;
using runed::embed::Gguf;
using runed::embed::ModelSpec;
using runed::embed::recognise_model;
using runed::embed::TokenId;
using runed::embed::native::available_kernels;
using runed::embed::native::choose_gemms;
using runed::embed::native::find_weights;
using runed::embed::native::ForwardPass;
using runed::embed::native::Kernel;
using runed::embed::native::NumberFormat;
using runed::embed::native::PackedPanels;
using runed::embed::native::ThreadPool;
using runed::embed::native::Weights;
using runed::test::read_file;
using runed::test::read_json;
using runed::test::TinyPairs;
using runed::test::unwrap;

namespace {

using Ids = std::vector<TokenId>;

struct File {
  const char* name;
  const char* file;
};

constexpr File kFiles[] = {{"rerank-xlmr", "rerank-xlmr.f16.gguf"},
                           {"rerank-modernbert", "rerank-modernbert.f16.gguf"},
                           {"rerank-qwen3", "rerank-qwen3.f16.gguf"},
                           {"rerank-qwen3", "rerank-qwen3.q8_0.gguf"}};

// A reranker on one kernel.
class Loaded {
 public:
  Loaded(const Gguf& file, const Kernel& kernel, NumberFormat compute, size_t panel_bytes)
      : spec_(unwrap(recognise_model(file, {}, {}))),
        pool_(2),
        weights_(unwrap(find_weights(file, spec_, kernel))),
        format_(choose_gemms(weights_, spec_, compute, kernel)),
        panels_(weights_, pool_, panel_bytes),
        pass_(spec_, weights_, format_, kernel, pool_) {}

  std::vector<float> score(const std::vector<Ids>& pairs) {
    Ids ids;
    std::vector<uint32_t> offsets{0};
    for (const Ids& pair : pairs) {
      ids.insert(ids.end(), pair.begin(), pair.end());
      offsets.push_back(static_cast<uint32_t>(ids.size()));
    }
    std::vector<float> scores(pairs.size());
    pass_.score({ids, offsets}, scores);
    return scores;
  }

 private:
  ModelSpec spec_;
  ThreadPool pool_;
  Weights weights_;
  NumberFormat format_;
  PackedPanels panels_;
  ForwardPass pass_;
};

double difference(float a, double b) {
  return std::abs(static_cast<double>(a) - b);
}

}  // namespace

TEST_CASE("scores of llama.cpp's own files are those of a pass in double, alone and in a batch") {
  const Json of_files = read_json(RUNED_TEST_DATA "/tiny_gguf/reference.json");
  for (const File& each : kFiles) {
    const auto bytes = read_file(std::string(RUNED_TEST_DATA "/tiny_gguf/") + each.file);
    const Gguf file = unwrap(Gguf::parse(bytes));
    const auto pairs = TinyPairs(each.name).ids;
    // Log-odds are the difference of two numbers that are larger.
    const double most = std::string(each.name) == "rerank-qwen3" ? 3e-5 : 1e-5;
    const auto expected = of_files[each.file]["scores"].get<std::vector<double>>();
    REQUIRE(expected.size() == pairs.size());
    for (const Kernel* kernel : available_kernels()) {
      for (const size_t panel_bytes : {size_t{0}, PackedPanels::kMostBytes}) {
        INFO(each.file << ", kernel " << kernel->name);
        Loaded loaded(file, *kernel, NumberFormat::f32, panel_bytes);
        const auto together = loaded.score(pairs);
        for (size_t i = 0; i < pairs.size(); ++i) {
          INFO("pair " << i << " of " << pairs[i].size() << " tokens");
          CHECK(difference(loaded.score({pairs[i]}).front(), expected[i]) <= most);
          CHECK(difference(together[i], expected[i]) <= most);
        }
      }
    }
  }
}

TEST_CASE("left to choose, a quantized reranker puts documents in the order that it has in f32") {
  const auto bytes = read_file(RUNED_TEST_DATA "/tiny_gguf/rerank-qwen3.q8_0.gguf");
  const Gguf file = unwrap(Gguf::parse(bytes));
  const auto pairs = TinyPairs("rerank-qwen3").ids;
  for (const Kernel* kernel : available_kernels()) {
    INFO("kernel " << kernel->name);
    const auto exact = Loaded(file, *kernel, NumberFormat::f32, 0).score(pairs);
    const auto chosen = Loaded(file, *kernel, NumberFormat::automatic, 0).score(pairs);
    for (size_t i = 0; i < pairs.size(); ++i) {
      for (size_t j = 0; j < pairs.size(); ++j) {
        if (exact[i] - exact[j] > 0.2F) CHECK(chosen[i] > chosen[j]);
      }
    }
  }
}
