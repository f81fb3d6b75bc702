#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine_setup.hpp"

namespace runed::bench {

/// An instruction that multiplies and adds, at its fastest: on registers alone.
struct Instruction {
  std::string name;                                   // `vpdpbusd`
  std::string registers;                              // `zmm`
  uint32_t multiply_adds;                             // Of one instruction.
  void (*run)(uint64_t rounds, const void* factors);  // kInstructionsPerRound each.
};

/// What a machine gives of one instruction.
struct Peak {
  Instruction instruction;
  double one_thread = 0;  // GMAC per second of CPU time.
  uint32_t threads = 1;
  double all_threads = 0;  // The same, the sum of all threads.
};

/// The peaks that a mode could reach. Attention has no quantized weights: beside int8 it is int16.
struct ModePeak {
  Peak products;
  Peak attention;
};

/// Returns the instructions that this CPU has.
std::vector<Instruction> available_instructions();

/// Measures an instruction alone, then on `threads` threads at once; the best of several rounds,
/// since nothing makes one faster than the machine is.
Peak measure_peak(const Instruction& instruction, uint32_t threads);

/// Finds the peaks of a mode among those measured; nothing where its instruction is unknown.
std::optional<ModePeak> find_peak(const std::vector<Peak>& peaks, const Mode& mode);

}  // namespace runed::bench
