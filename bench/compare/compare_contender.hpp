#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "compare_workload.hpp"
#include "embed/native/gemm/number_format.hpp"

namespace runed::bench {

/// What it took to answer one request.
struct Cost {
  double wall_ms = 0;
  double cpu_ms = 0;  // Of the process that computes, until the answer is there.
};

/// Whose a contender is.
enum class Engine { runed, llama_server, rival };

/// Returns what the results call it: `runed`, `llama-server` or `rival`.
std::string_view name_of(Engine engine);

/// Something that embeds, and can be asked in turns with others.
class Contender {
 public:
  virtual ~Contender() = default;

  const std::string& name() const { return name_; }
  /// How it was started, for people.
  const std::string& flags() const { return flags_; }
  Engine engine() const { return engine_; }

  /// Between these two it may use the cores, and no other may. Both leave it idle.
  virtual void begin_turn() = 0;
  virtual void end_turn() = 0;

  /// Embeds, and appends what it took.
  virtual Result<std::vector<float>> embed(const Texts& texts, Cost& cost) = 0;

  /// Its process; 0 if it is in ours.
  virtual int pid() const { return 0; }

  /// Memory of its own now, in bytes; 0 if it shares a process.
  virtual uint64_t own_bytes() const { return 0; }

 protected:
  Contender(std::string name, std::string flags, Engine engine)
      : name_(std::move(name)), flags_(std::move(flags)), engine_(engine) {}

 private:
  const std::string name_;
  const std::string flags_;
  const Engine engine_;
};

/// Makes the native engine in this process, started.
/// Errors: invalid_argument if this machine has no such mode, or the engine chose another one.
Result<std::unique_ptr<Contender>> make_native(const std::string& model,
                                               embed::native::NumberFormat compute,
                                               unsigned threads, const Clock& clock);

}  // namespace runed::bench
