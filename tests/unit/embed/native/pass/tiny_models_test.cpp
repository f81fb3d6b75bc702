// Models of random weights, a pass of which was computed in double by another program.
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
using runed::embed::native::name_of;
using runed::embed::native::NumberFormat;
using runed::embed::native::PackedPanels;
using runed::embed::native::ThreadPool;
using runed::embed::native::Weights;
using runed::test::decode_floats;
using runed::test::distance;
using runed::test::read_file;
using runed::test::read_json;
using runed::test::TinyReference;
using runed::test::unwrap;

namespace {

using Ids = std::vector<TokenId>;
using Vector = std::vector<float>;

// A model's file, the ids of its texts and their vectors.
struct TinyModel {
  TinyModel(const std::string& name, const std::string& file)
      : bytes(read_file(RUNED_TEST_DATA "/tiny_gguf/" + file)), gguf(unwrap(Gguf::parse(bytes))) {
    spec = unwrap(recognise_model(gguf, {}, {}));
    texts = TinyReference(name).ids;
    const Json of_files = read_json(RUNED_TEST_DATA "/tiny_gguf/reference.json");
    for (const Json& vector : of_files[file]["vectors"]) {
      vectors.push_back(decode_floats(vector));
    }
    REQUIRE(texts.size() == vectors.size());
  }

  std::vector<std::byte> bytes;
  Gguf gguf;
  ModelSpec spec;
  std::vector<Ids> texts;
  std::vector<Vector> vectors;
};

enum class Panels { packed_once, packed_each_time };

// A model on one kernel, in one format.
class Loaded {
 public:
  Loaded(const TinyModel& model, NumberFormat compute, const Kernel& kernel, Panels panels)
      : model_(model),
        pool_(2),
        weights_(unwrap(find_weights(model.gguf, model.spec, kernel))),
        format_(choose_gemms(weights_, model.spec, compute, kernel)),
        panels_(weights_, pool_, panels == Panels::packed_once ? PackedPanels::kMostBytes : 0),
        pass_(model.spec, weights_, format_, kernel, pool_) {
    CHECK((panels_.bytes() > 0) == (panels == Panels::packed_once));
  }

  std::vector<Vector> embed(const std::vector<Ids>& texts) {
    Ids ids;
    std::vector<uint32_t> offsets{0};
    for (const Ids& text : texts) {
      ids.insert(ids.end(), text.begin(), text.end());
      offsets.push_back(static_cast<uint32_t>(ids.size()));
    }
    const size_t dimension = model_.spec.dimension();
    Vector all(texts.size() * dimension);
    pass_.run({ids, offsets}, all);
    std::vector<Vector> vectors;
    for (size_t i = 0; i < texts.size(); ++i) {
      const auto first = all.begin() + static_cast<std::ptrdiff_t>(i * dimension);
      vectors.emplace_back(first, first + static_cast<std::ptrdiff_t>(dimension));
    }
    return vectors;
  }

 private:
  const TinyModel& model_;
  ThreadPool pool_;
  Weights weights_;
  NumberFormat format_;
  PackedPanels panels_;
  ForwardPass pass_;
};

struct File {
  const char* name;
  const char* file;
};

constexpr File kFiles[] = {{"bert-mean", "bert-mean.f32.gguf"},
                           {"bert-mean", "bert-mean.q8_0.gguf"},
                           {"bert-cls", "bert-cls.f16.gguf"},
                           {"bert-cls", "bert-cls.q8_0.gguf"},
                           {"bert-cased", "bert-cased.f16.gguf"},
                           {"distilbert", "distilbert.f16.gguf"},
                           {"roberta", "roberta.f16.gguf"},
                           {"xlmr-mean", "xlmr-mean.f16.gguf"},
                           {"nomic", "nomic.f16.gguf"},
                           {"nomic", "nomic.q8_0.gguf"},
                           {"modernbert-cls", "modernbert-cls.f16.gguf"},
                           {"modernbert-cls", "modernbert-cls.q8_0.gguf"},
                           {"gemma", "gemma.f16.gguf"},
                           {"gemma", "gemma.q8_0.gguf"},
                           {"qwen2", "qwen2.f16.gguf"},
                           {"qwen3", "qwen3.f16.gguf"}};

}  // namespace

TEST_CASE("vectors of llama.cpp's own files are those of a pass in double, alone and in a batch") {
  constexpr double kMost = 1e-6;
  for (const File& each : kFiles) {
    const TinyModel model(each.name, each.file);
    for (const Kernel* kernel : available_kernels()) {
      for (const Panels panels : {Panels::packed_once, Panels::packed_each_time}) {
        INFO(each.file << ", kernel " << kernel->name);
        Loaded loaded(model, NumberFormat::f32, *kernel, panels);
        const std::vector<Vector> together = loaded.embed(model.texts);
        for (size_t i = 0; i < model.texts.size(); ++i) {
          INFO("text of " << model.texts[i].size() << " tokens");
          const Vector alone = loaded.embed({model.texts[i]}).front();
          CHECK(distance(alone, model.vectors[i]) <= kMost);
          CHECK(distance(together[i], model.vectors[i]) <= kMost);
        }
      }
    }
  }
}

TEST_CASE("left to choose, the vectors of quantized encoders are as near as is promised") {
  constexpr double kMost = 1e-3;
  for (const File& each :
       {File{"bert-mean", "bert-mean.q8_0.gguf"}, File{"bert-cls", "bert-cls.q8_0.gguf"},
        File{"nomic", "nomic.q8_0.gguf"}, File{"modernbert-cls", "modernbert-cls.q8_0.gguf"},
        File{"gemma", "gemma.q8_0.gguf"}}) {
    const TinyModel model(each.name, each.file);
    for (const Kernel* kernel : available_kernels()) {
      INFO(each.file << ", kernel " << kernel->name);
      Loaded loaded(model, NumberFormat::automatic, *kernel, Panels::packed_once);
      const std::vector<Vector> together = loaded.embed(model.texts);
      for (size_t i = 0; i < model.texts.size(); ++i) {
        const Vector alone = loaded.embed({model.texts[i]}).front();
        CHECK(distance(together[i], model.vectors[i]) <= kMost);
        CHECK(distance(together[i], alone) <= 1e-4);
      }
    }
  }
}
