#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "embed/native/native_engine.hpp"
#include "embed/request.hpp"

namespace runed::bench {

/// One way for this machine to compute a model.
struct Mode {
  std::string cpu;      // As --cpu spells it.
  std::string compute;  // `f32`, never `auto`.

  bool operator==(const Mode&) const = default;
};

/// A model to start engines of.
struct Model {
  std::string path;
  std::string name;    // Of the file, without its directory.
  std::string sha256;  // So that no start but the first reads the whole file.
  os::FileIdentity file;
  embed::ModelSpec spec;
  std::string weights;  // Type of the first layer's query matrix: `Q8_0`.
};

/// How to start an engine of a model.
struct EngineOptions {
  std::string cpu;  // Empty: the fastest.
  embed::native::NumberFormat compute = embed::native::NumberFormat::automatic;
  uint32_t threads = 1;
  embed::native::PhaseTimes* phase_times = nullptr;
};

/// Reads a model's header, and the whole file into the page cache.
Model open_model(const std::string& path);

/// Makes a stopped engine.
/// Errors: as NativeEngine::create, which does not know every mode.
Result<std::unique_ptr<embed::native::NativeEngine>> make_engine(const Model& model,
                                                                 const EngineOptions& options);

/// Returns the number format of a mode; ends the program where there is none of that name.
embed::native::NumberFormat compute_of(const Mode& mode);

/// Makes a stopped engine of a mode that the machine has; ends the program where that fails.
std::unique_ptr<embed::native::NativeEngine> make_engine_of(
    const Model& model, const Mode& mode, uint32_t threads,
    embed::native::PhaseTimes* phase_times = nullptr);

/// The same, and starts it.
std::unique_ptr<embed::native::NativeEngine> start_engine(
    const Model& model, const Mode& mode, uint32_t threads,
    embed::native::PhaseTimes* phase_times = nullptr);

/// Returns the modes that this machine has for a model, among those named; `all` of either stands
/// for every one, an empty `cpus` for the fastest. `auto` is what it comes to.
std::vector<Mode> find_modes(const Model& model, const std::vector<std::string>& cpus,
                             const std::vector<std::string>& computes);

/// Returns a text of random ids, which `seed` decides.
embed::PreparedText random_text(const Model& model, uint32_t tokens, uint32_t seed);

/// The same for many texts of one length each.
std::vector<embed::PreparedText> random_texts(const Model& model,
                                              const std::vector<uint32_t>& lengths);

}  // namespace runed::bench
