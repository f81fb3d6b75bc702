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

/// Something that embeds, and can be asked in turns with others.
class Contender {
 public:
  virtual ~Contender() = default;

  const std::string& name() const { return name_; }
  /// How it was started, for people.
  const std::string& flags() const { return flags_; }
  bool is_llama() const { return is_llama_; }

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
  Contender(std::string name, std::string flags, bool is_llama)
      : name_(std::move(name)), flags_(std::move(flags)), is_llama_(is_llama) {}

 private:
  const std::string name_;
  const std::string flags_;
  const bool is_llama_;
};

/// Makes the native engine in this process, started.
/// Errors: invalid_argument if this machine has no such mode, or the engine chose another one.
Result<std::unique_ptr<Contender>> make_native(const std::string& model,
                                               embed::native::NumberFormat compute,
                                               unsigned threads, const Clock& clock);

}  // namespace runed::bench
