#include "engine_setup.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <random>

#include "base/clock.hpp"
#include "bench.hpp"
#include "os/file/mapped_file.hpp"

namespace runed::bench {
namespace {

using embed::Gguf;
using embed::native::NativeEngine;
using embed::native::NumberFormat;

// Every tier that some machine has; the engine refuses those that this one lacks.
constexpr std::array<std::string_view, 7> kCpus{"avx512-bf16", "avx512-vnni", "avx512",  "avx-vnni",
                                                "avx2",        "neon",        "portable"};

constexpr std::array kComputes{NumberFormat::f32, NumberFormat::bf16, NumberFormat::int16,
                               NumberFormat::int8};

bool names(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end() ||
         std::ranges::find(words, "all") != words.end();
}

// What an engine says of itself once it has started; nothing if this machine cannot start it so.
std::optional<Mode> mode_of(const Model& model, const EngineOptions& options) {
  const auto engine = make_engine(model, options);
  if (!engine || !(*engine)->start()) return std::nullopt;
  return Mode{(*engine)->info().kernel, (*engine)->info().compute};
}

}  // namespace

Model open_model(const std::string& path) {
  const os::MappedFile file = value(os::MappedFile::open(path));
  const Gguf gguf = value(Gguf::parse(file.bytes()));
  const auto* query = gguf.find_tensor("blk.0.attn_q.weight");
  Model model{.path = path,
              .name = std::filesystem::path(path).filename(),
              .sha256 = "",
              .file = value(os::file_identity(path)),
              .spec = value(embed::recognise_model(gguf, {}, {})),
              .weights = query == nullptr ? "" : std::string(block_layout(query->type).name)};
  const auto engine = value(make_engine(model, {}));
  value(engine->start());
  model.sha256 = engine->info().model_sha256;
  return model;
}

Result<std::unique_ptr<NativeEngine>> make_engine(const Model& model,
                                                  const EngineOptions& options) {
  static const SystemClock clock;
  return NativeEngine::create({.source = {.bytes = {}, .path = model.path},
                               .sha256 = model.sha256,
                               .file = model.file,
                               .threads = options.threads,
                               .kernel = options.cpu,
                               .compute = options.compute,
                               .phase_times = options.phase_times},
                              clock);
}

NumberFormat compute_of(const Mode& mode) {
  const auto* compute =
      std::ranges::find(kComputes, mode.compute, [](NumberFormat each) { return name_of(each); });
  require(compute != kComputes.end(), fmt::format("no mode '{}'", mode.compute));
  return *compute;
}

std::unique_ptr<NativeEngine> make_engine_of(const Model& model, const Mode& mode, uint32_t threads,
                                             embed::native::PhaseTimes* phase_times) {
  return value(make_engine(model, {.cpu = mode.cpu,
                                   .compute = compute_of(mode),
                                   .threads = threads,
                                   .phase_times = phase_times}));
}

std::unique_ptr<NativeEngine> start_engine(const Model& model, const Mode& mode, uint32_t threads,
                                           embed::native::PhaseTimes* phase_times) {
  auto engine = make_engine_of(model, mode, threads, phase_times);
  value(engine->start());
  return engine;
}

std::vector<Mode> find_modes(const Model& model, const std::vector<std::string>& cpus,
                             const std::vector<std::string>& computes) {
  std::vector<std::string> chosen;
  if (cpus.empty()) chosen.emplace_back();
  for (const std::string_view cpu : kCpus) {
    if (names(cpus, cpu)) chosen.emplace_back(cpu);
  }
  std::vector<Mode> modes;
  const auto add = [&](const EngineOptions& options) {
    const std::optional<Mode> mode = mode_of(model, options);
    const bool as_asked = options.compute == NumberFormat::automatic ||
                          (mode && mode->compute == name_of(options.compute));
    if (mode && as_asked && std::ranges::find(modes, *mode) == modes.end()) modes.push_back(*mode);
  };
  for (const std::string& cpu : chosen) {
    for (const NumberFormat compute : kComputes) {
      if (names(computes, name_of(compute))) add({.cpu = cpu, .compute = compute});
    }
    if (names(computes, "auto")) add({.cpu = cpu});
  }
  require(!modes.empty(), "this machine has none of these modes");
  return modes;
}

embed::PreparedText random_text(const Model& model, uint32_t tokens, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<embed::TokenId> id(0, model.spec.vocabulary - 1);
  embed::PreparedText text;
  std::generate_n(std::back_inserter(text.ids), tokens, [&] { return id(random); });
  return text;
}

std::vector<embed::PreparedText> random_texts(const Model& model,
                                              const std::vector<uint32_t>& lengths) {
  std::vector<embed::PreparedText> texts;
  for (const uint32_t length : lengths) {
    texts.push_back(random_text(model, length, static_cast<uint32_t>(texts.size()) + 1));
  }
  return texts;
}

}  // namespace runed::bench
