// Writes a model of random weights that runed and llama-server load, of any size and tensor type:
// bench_make_model [options] OUT.gguf. What its vectors mean is nothing; how long they take, how
// much memory they need and how exactly they are computed is that of a real model of this shape.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "bench.hpp"
#include "check_model.hpp"
#include "embed/model/model_recognition.hpp"
#include "os/machine/cpus.hpp"
#include "quantize.hpp"

namespace {

namespace fs = std::filesystem;
using namespace runed::bench;
using runed::embed::TensorType;

constexpr uint64_t kRowsAtOnce = 64;

struct Flags {
  ModelShape shape;
  std::string type = "q8_0";
  uint64_t seed = 1;
  bool heavy_tailed = false;
  unsigned threads = runed::os::available_cpus();
  bool check = true;
  std::string compare;
  std::string vocabulary = RUNED_TEST_DATA_UNPACKED "/qwen3-vocab.gguf";
  std::string out;
};

const std::map<std::string, Quantization> kTypes{
    {"f32", {TensorType::f32}},           {"f16", {TensorType::f16}},
    {"bf16", {TensorType::bf16}},         {"q8_0", {TensorType::q8_0}},
    {"q6_k", {TensorType::q6_k}},         {"q5_k", {TensorType::q5_k}},
    {"q5_k_m", {TensorType::q5_k, true}}, {"q4_k", {TensorType::q4_k}},
    {"q4_k_m", {TensorType::q4_k, true}}};

void define(CLI::App& app, Flags& flags) {
  ModelShape& shape = flags.shape;
  std::vector<std::string> types;
  for (const auto& [name, quantization] : kTypes) types.push_back(name);
  app.add_option("--type", flags.type,
                 "Of all matrices; _m: of some, as llama.cpp mixes it with Q6_K")
      ->check(CLI::IsMember(types))
      ->capture_default_str();
  app.add_option("--layers", shape.layers)->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--width", shape.width)->check(CLI::Range(32, 65536))->capture_default_str();
  app.add_option("--ffn", shape.ff_width)->check(CLI::Range(32, 65536))->capture_default_str();
  app.add_option("--heads", shape.heads)->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--kv-heads", shape.kv_heads)->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--head-width", shape.head_width)
      ->check(CLI::Range(2, 1024))
      ->capture_default_str();
  app.add_option("--context", shape.context)->check(CLI::Range(1, 1 << 20))->capture_default_str();
  app.add_option("--seed", flags.seed, "The same seed gives the same weights in every type")
      ->capture_default_str();
  app.add_flag("--heavy-tailed", flags.heavy_tailed,
               "Let a few channels of the norms be 20 to 50 times the others");
  app.add_option("--threads", flags.threads)->check(CLI::Range(1, 64))->capture_default_str();
  app.add_option("--vocabulary", flags.vocabulary, "GGUF to take the tokenizer from");
  app.add_flag("!--no-check", flags.check, "Do not read the model back and embed with it");
  app.add_option("--compare", flags.compare, "Also compare the vectors with this model's");
  app.add_option("OUT", flags.out, "The file to write")->required();
}

// A part of the work: some rows of a tensor.
struct Band {
  const TensorPlan* tensor;
  uint64_t first_row;
  uint64_t rows;
};

std::vector<Band> cut_into_bands(const std::vector<TensorPlan>& tensors) {
  std::vector<Band> bands;
  for (const TensorPlan& tensor : tensors) {
    for (uint64_t row = 0; row < tensor.rows; row += kRowsAtOnce) {
      bands.push_back({&tensor, row, std::min(kRowsAtOnce, tensor.rows - row)});
    }
  }
  return bands;
}

// Each thread writes where its rows belong, so that no memory waits for another thread's.
void write_data(const Flags& flags, const Header& header, const RandomWeights& weights,
                const std::string& path) {
  const std::vector<Band> bands = cut_into_bands(header.tensors);
  std::atomic<size_t> next{0};
  const auto work = [&] {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    std::vector<float> values;
    std::vector<std::byte> bytes;
    for (size_t i = next++; i < bands.size(); i = next++) {
      const auto& [tensor, first_row, rows] = bands[i];
      values.resize(tensor->columns);
      bytes.resize(rows * tensor->row_bytes());
      for (uint64_t row = 0; row < rows; ++row) {
        weights.fill(*tensor, first_row + row, values);
        quantize(tensor->type, values, bytes.data() + row * tensor->row_bytes());
      }
      file.seekp(static_cast<std::streamoff>(header.bytes.size() + tensor->offset +
                                             first_row * tensor->row_bytes()));
      file.write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    }
    file.flush();
    require(file.good(), fmt::format("cannot write '{}'", path));
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < flags.threads; ++i) threads.emplace_back(work);
}

void write_model(const Flags& flags, const Header& header, const RandomWeights& weights) {
  const std::string partial = flags.out + ".partial";  // Half a model must not look like one.
  const auto begin = std::chrono::steady_clock::now();
  {
    std::ofstream file(partial, std::ios::binary);
    file.write(reinterpret_cast<const char*>(header.bytes.data()),
               static_cast<std::streamsize>(header.bytes.size()));
    file.flush();
    require(file.good(), fmt::format("cannot write '{}'", partial));
  }
  write_data(flags, header, weights, partial);
  const uint64_t size = (header.bytes.size() + header.tensors.back().end() + 31) / 32 * 32;
  fs::resize_file(partial, size);
  fs::rename(partial, flags.out);
  fmt::print("{}: {:.1f} MB in {:.1f} s\n", flags.out, static_cast<double>(size) / 1e6,
             milliseconds_since(begin) / 1e3);
}

// What runed would refuse is not worth writing.
void check_header(const Header& header) {
  using runed::embed::Gguf;
  const Gguf gguf = value(Gguf::parse_metadata(header.bytes));
  value(runed::embed::recognise_model(gguf, {}, {}));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes a model of random weights, by default as large as Qwen3-Embedding-0.6B");
  Flags flags;
  define(app, flags);
  CLI11_PARSE(app, argc, argv);
  const Header header = value(make_header(flags.shape, kTypes.at(flags.type), flags.vocabulary));
  check_header(header);
  const RandomWeights weights(flags.seed, flags.heavy_tailed);
  write_model(flags, header, weights);
  if (!flags.check) return 0;
  value(check_numbers(flags.out, weights, header.tensors));
  value(check_vectors(flags.out, flags.compare));
}
