// Compares every mode of the native engine with f32, with itself in batches and on other threads:
// bench_accuracy [options] MODEL.gguf... It prints tables in Markdown, and ends with 1 where a
// limit is not kept. The built-in model comes first, with the vectors that it was published with.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <sstream>

#include "accuracy_check.hpp"
#include "base/json.hpp"
#include "bench.hpp"
#include "os/machine/cpus.hpp"

namespace {

using namespace runed::bench;
using runed::Json;
using runed::embed::PreparedText;

// Around the multiples of the tile's rows and of the panel's columns, and ordinary ones.
const std::vector<uint32_t> kLengths{1,  2,  3,  4,  5,  6,  7,  8,  12, 13,  16,  17,
                                     24, 31, 32, 33, 48, 63, 64, 65, 96, 128, 160, 200};
constexpr uint32_t kLongText = 1500;

// The portable kernel is some ten times slower: texts up to this long will do.
constexpr size_t kPortableTokens = 64;

// Of a mean of cosines.
constexpr double kRounding = 1e-12;

struct Flags {
  std::vector<std::string> models;
  uint32_t threads = runed::os::available_cpus();
  std::vector<std::string> compute{"all"};
  std::vector<std::string> cpu{"all"};
  std::string reference;
  bool heavy = false;
  bool builtin = true;
};

void define(CLI::App& app, Flags& flags) {
  app.add_option("MODEL", flags.models, "GGUF files")->check(CLI::ExistingFile);
  app.add_option("--threads", flags.threads)->check(CLI::Range(1, 64))->capture_default_str();
  app.add_option("--compute", flags.compute, "Modes: auto, f32, bf16, int16, int8, or all")
      ->delimiter(',');
  app.add_option("--cpu", flags.cpu, "Instruction sets, or all")->delimiter(',');
  app.add_option("--reference", flags.reference,
                 "The same model in F32 or F16: tell what each file has lost by its quantization")
      ->check(CLI::ExistingFile);
  app.add_flag("--heavy", flags.heavy, "The models are heavy-tailed: other limits hold");
  app.add_flag("!--no-builtin", flags.builtin, "Leave out the built-in model");
}

// The texts of a mode, and their vectors in f32.
struct Sample {
  std::vector<PreparedText> texts;
  Vectors f32;
};

Sample sample_for(const Mode& mode, const Sample& all) {
  if (mode.cpu != "portable") return all;
  Sample sample;
  for (size_t i = 0; i < all.texts.size(); ++i) {
    if (all.texts[i].ids.size() > kPortableTokens) continue;
    sample.texts.push_back(all.texts[i]);
    sample.f32.push_back(all.f32[i]);
  }
  return sample;
}

Vectors embed_in_f32(const Model& model, uint32_t threads, const std::vector<PreparedText>& texts) {
  const Mode f32 = find_modes(model, {}, {"f32"}).front();
  return embed_alone(*start_engine(model, f32, threads), texts);
}

std::vector<PreparedText> texts_for(const Model& model) {
  std::vector<uint32_t> lengths = kLengths;
  lengths.push_back(std::min(kLongText, model.spec.longest_text()));
  return random_texts(model, lengths);
}

void print_heading(const Model& model, const std::vector<std::string>& more) {
  fmt::print("\n## {}\n\n{} layers of width {}, {} weights\n\n", model.name, model.spec.layers,
             model.spec.width, model.weights);
  std::string second = "|---|---|---:|---:|---:|---:|---:|";
  fmt::print(
      "| cpu | mode | 1-cos to f32, mean | worst | least cosine | alone and in a batch | 1, 2, 7 "
      "threads |");
  for (const std::string& column : more) {
    fmt::print(" {} |", column);
    second += "---:|";
  }
  fmt::print(" limits |\n{}---|\n", second);
}

void print_accuracy(const Accuracy& accuracy, const std::vector<double>& more, bool kept) {
  fmt::print("| {} | {} | {:.2g} | {:.2g} | {:.6f} | {:.7f} | {:.8f} |", accuracy.mode.cpu,
             accuracy.mode.compute, 1 - accuracy.to_f32.mean, 1 - accuracy.to_f32.least,
             accuracy.to_f32.least, accuracy.batched.least, accuracy.threads.least);
  for (const double value : more) fmt::print(" {:.6f} |", value);
  fmt::print(" {} |\n", kept ? "kept" : "**broken**");
  std::fflush(stdout);
}

// Returns whether every mode keeps its limits.
bool check_model(const Model& model, const Sample& all, const Flags& flags) {
  print_heading(model, {});
  bool all_kept = true;
  for (const Mode& mode : find_modes(model, flags.cpu, flags.compute)) {
    const Sample sample = sample_for(mode, all);
    const Accuracy accuracy =
        measure_accuracy(model, mode, flags.threads, sample.texts, sample.f32);
    const bool kept = accuracy.keeps(limits_of(mode.compute, flags.heavy));
    print_accuracy(accuracy, {}, kept);
    all_kept = all_kept && kept;
  }
  return all_kept;
}

// The same of the built-in model, on the texts whose vectors the model was published with.
bool check_builtin(const Flags& flags) {
  const Model model = open_model(RUNED_BUILTIN_MODEL);
  std::ostringstream text;
  text << std::ifstream(RUNED_TEST_DATA "/runed_mini_reference_vectors.json").rdbuf();
  Sample sample;
  Vectors published;
  for (const Json& entry : value(runed::parse_json(text.str()))) {
    sample.texts.push_back({.ids = entry["ids"].get<std::vector<uint32_t>>()});
    published.push_back(entry["vector"].get<Vector>());
  }
  sample.f32 = embed_in_f32(model, flags.threads, sample.texts);
  print_heading(model, {"cosine to the published vectors, mean", "least"});
  bool all_kept = true;
  for (const Mode& mode : find_modes(model, flags.cpu, flags.compute)) {
    const Accuracy accuracy =
        measure_accuracy(model, mode, flags.threads, sample.texts, sample.f32);
    const Agreement to_published = compare(accuracy.alone, published);
    const bool kept = accuracy.keeps(limits_of(mode.compute, false));
    print_accuracy(accuracy, {to_published.mean, to_published.least}, kept);
    all_kept = all_kept && kept;
  }
  return all_kept;
}

// What a file has lost against the reference, and what `auto` adds to it.
struct Loss {
  const Model* model;
  Mode automatic;
  Agreement own;           // In f32, to the reference.
  Agreement of_automatic;  // In `auto`, to the same file in f32.
  Agreement together;      // In `auto`, to the reference.
};

Loss measure_loss(const Model& model, const Sample& sample, const Vectors& reference,
                  const Flags& flags) {
  const Mode automatic = find_modes(model, {}, {"auto"}).front();
  const Vectors vectors = embed_alone(*start_engine(model, automatic, flags.threads), sample.texts);
  return {&model, automatic, compare(sample.f32, reference), compare(vectors, sample.f32),
          compare(vectors, reference)};
}

// Returns whether `auto` adds no more than each file's own loss.
bool print_losses(const std::vector<Loss>& losses, const std::string& reference) {
  fmt::print(
      "\n## Own quantization\n\n1-cos to `{}` in f32\n\n"
      "| file | weights | own, mean | own, worst | auto | auto to f32, mean | worst | auto to the "
      "reference, mean | within its own |\n|---|---|---:|---:|---|---:|---:|---:|---|\n",
      reference);
  bool all_within = true;
  for (const Loss& loss : losses) {
    const bool within = loss.of_automatic.mean >= loss.own.mean - kRounding;
    fmt::print("| {} | {} | {:.2g} | {:.2g} | {} | {:.2g} | {:.2g} | {:.2g} | {} |\n",
               loss.model->name, loss.model->weights, 1 - loss.own.mean, 1 - loss.own.least,
               loss.automatic.compute, 1 - loss.of_automatic.mean, 1 - loss.of_automatic.least,
               1 - loss.together.mean, within ? "yes" : "**no**");
    all_within = all_within && within;
  }
  return all_within;
}

bool check_models(const Flags& flags) {
  Vectors reference;
  std::string reference_name;
  if (!flags.reference.empty()) {
    const Model model = open_model(flags.reference);
    reference = embed_in_f32(model, flags.threads, texts_for(model));
    reference_name = model.name;
  }
  std::vector<Model> models;
  for (const std::string& path : flags.models) models.push_back(open_model(path));
  std::vector<Loss> losses;
  bool all_kept = true;
  for (const Model& model : models) {
    Sample sample{.texts = texts_for(model), .f32 = {}};
    sample.f32 = embed_in_f32(model, flags.threads, sample.texts);
    all_kept = check_model(model, sample, flags) && all_kept;
    if (!reference.empty()) losses.push_back(measure_loss(model, sample, reference, flags));
  }
  if (!losses.empty()) all_kept = print_losses(losses, reference_name) && all_kept;
  return all_kept;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Compares every mode of the native engine with f32");
  Flags flags;
  define(app, flags);
  CLI11_PARSE(app, argc, argv);
  const bool builtin_kept = !flags.builtin || check_builtin(flags);
  const bool models_kept = check_models(flags);
  fmt::print("\n{}\n", builtin_kept && models_kept ? "All limits are kept." : "Limits are broken.");
  return builtin_kept && models_kept ? 0 : 1;
}
