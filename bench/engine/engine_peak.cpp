#include "engine_peak.hpp"

#include <algorithm>
#include <array>
#include <barrier>
#include <ctime>
#include <thread>

// The loops name the first 16 registers only, so this file needs no flags of an instruction set,
// and a loop is called only where the CPU has its instruction.
namespace runed::bench {
namespace {

constexpr uint64_t kInstructionsPerRound = 24;
constexpr size_t kRepetitions = 9;
constexpr double kLeastSeconds = 0.02;  // Of one measurement.

#if defined(__x86_64__)

// Twelve sums that depend on nothing but themselves hide the latency of any of them: 4 to 5 cycles
// at two a cycle. The factors are not zero, since a multiplier that only sees zeros needs less
// power and may be clocked faster.
#define RUNED_EACH_SUM ".irp i,0,1,2,3,4,5,6,7,8,9,10,11\n"
#define RUNED_SUM(op, r) op " %%" r "13, %%" r "12, %%" r "\\i\n"

#define RUNED_LOOP(name, op, r)                     \
  void name(uint64_t rounds, const void* factors) { \
    asm volatile(RUNED_EACH_SUM \
                 "vpxor %%xmm\\i, %%xmm\\i, %%xmm\\i\n" \
                 ".endr\n" \
                 "vmovups (%1), %%" r "12\n" \
                 "vmovups 64(%1), %%" r "13\n" \
                 ".p2align 5\n" \
                 "1:\n.rept 2\n" RUNED_EACH_SUM RUNED_SUM(op, r) \
                 ".endr\n.endr\n" \
                 "dec %0\n" \
                 "jnz 1b\n" \
                 "vzeroupper\n" \
                 : "+r"(rounds) \
                 : "r"(factors) \
                 : RUNED_CLOBBERS);                   \
  }
#define RUNED_CLOBBERS                                                                     \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
      "xmm11", "xmm12", "xmm13", "xmm14", "cc", "memory"

RUNED_LOOP(fma_zmm, "vfmadd231ps", "zmm")
RUNED_LOOP(fma_ymm, "vfmadd231ps", "ymm")
RUNED_LOOP(dpbf16_zmm, "vdpbf16ps", "zmm")
RUNED_LOOP(dpwssd_zmm, "vpdpwssd", "zmm")
RUNED_LOOP(dpwssd_ymm, "%{vex%} vpdpwssd", "ymm")
RUNED_LOOP(dpbusd_zmm, "vpdpbusd", "zmm")
RUNED_LOOP(dpbusd_ymm, "%{vex%} vpdpbusd", "ymm")

// What a CPU does that has nothing newer: a product, which overwrites its factor, and a sum.
void mul_add_xmm(uint64_t rounds, const void* factors) {
  asm volatile(RUNED_EACH_SUM
               "xorps %%xmm\\i, %%xmm\\i\n"
               ".endr\n"
               "movups (%1), %%xmm12\n"
               "movups 64(%1), %%xmm13\n"
               ".p2align 5\n"
               "1:\n"
               ".rept 2\n" RUNED_EACH_SUM
               "movaps %%xmm12, %%xmm14\n"
               "mulps %%xmm13, %%xmm14\n"
               "addps %%xmm14, %%xmm\\i\n"
               ".endr\n"
               ".endr\n"
               "dec %0\n"
               "jnz 1b\n"
               : "+r"(rounds)
               : "r"(factors)
               : RUNED_CLOBBERS);
}

bool has_avx_vnni() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("avxvnni");
}

#endif

double thread_cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Two cache lines of factors: as f32 or bf16 they are 1.1 and less, as integers anything.
std::array<float, 32> make_factors() {
  std::array<float, 32> factors{};
  for (size_t i = 0; i < factors.size(); ++i) factors[i] = 1.1F - 0.03F * static_cast<float>(i);
  return factors;
}

// By CPU time: what other programs take of a core meanwhile is no property of it.
double rate_of(const Instruction& instruction, uint64_t rounds, const void* factors) {
  const double begin = thread_cpu_seconds();
  instruction.run(rounds, factors);
  const double seconds = thread_cpu_seconds() - begin;
  return static_cast<double>(rounds * kInstructionsPerRound * instruction.multiply_adds) / seconds /
         1e9;
}

// The sum of all threads, which start together; the best of several rounds.
double best_rate(const Instruction& instruction, uint64_t rounds, uint32_t threads) {
  const std::array<float, 32> factors = make_factors();
  std::vector<std::array<double, kRepetitions>> rates(threads);
  {
    std::barrier start(threads);
    std::vector<std::jthread> workers;
    for (auto& own : rates) {
      workers.emplace_back([&] {
        for (double& rate : own) {
          start.arrive_and_wait();
          rate = rate_of(instruction, rounds, factors.data());
        }
      });
    }
  }
  double best = 0;
  for (size_t i = 0; i < kRepetitions; ++i) {
    double sum = 0;
    for (const auto& own : rates) sum += own[i];
    best = std::max(best, sum);
  }
  return best;
}

std::string_view instruction_of(std::string_view cpu, std::string_view compute) {
  if (cpu == "portable") return "mulps, addps";
  if (compute == "f32") return "vfmadd231ps";
  if (compute == "bf16") return "vdpbf16ps";
  return compute == "int16" ? "vpdpwssd" : "vpdpbusd";
}

std::string_view registers_of(std::string_view cpu) {
  if (cpu == "portable") return "xmm";
  return cpu.starts_with("avx512") ? "zmm" : "ymm";
}

const Peak* find_peak_of(const std::vector<Peak>& peaks, std::string_view cpu,
                         std::string_view compute) {
  const auto found = std::ranges::find_if(peaks, [&](const Peak& peak) {
    return peak.instruction.name == instruction_of(cpu, compute) &&
           peak.instruction.registers == registers_of(cpu);
  });
  return found == peaks.end() ? nullptr : &*found;
}

}  // namespace

std::vector<Instruction> available_instructions() {
  std::vector<Instruction> found;
#if defined(__x86_64__)
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
  if (avx512) found.push_back({"vfmadd231ps", "zmm", 16, fma_zmm});
  if (avx512 && __builtin_cpu_supports("avx512bf16")) {
    found.push_back({"vdpbf16ps", "zmm", 32, dpbf16_zmm});
  }
  if (avx512 && __builtin_cpu_supports("avx512vnni")) {
    found.push_back({"vpdpwssd", "zmm", 32, dpwssd_zmm});
    found.push_back({"vpdpbusd", "zmm", 64, dpbusd_zmm});
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    found.push_back({"vfmadd231ps", "ymm", 8, fma_ymm});
  }
  if (has_avx_vnni()) {
    found.push_back({"vpdpwssd", "ymm", 16, dpwssd_ymm});
    found.push_back({"vpdpbusd", "ymm", 32, dpbusd_ymm});
  }
  found.push_back({"mulps, addps", "xmm", 4, mul_add_xmm});
#endif
  return found;
}

Peak measure_peak(const Instruction& instruction, uint32_t threads) {
  const std::array<float, 32> factors = make_factors();
  uint64_t rounds = 10'000;
  const double rate = rate_of(instruction, rounds, factors.data()) * 1e9;
  rounds =
      static_cast<uint64_t>(kLeastSeconds * rate /
                            static_cast<double>(kInstructionsPerRound * instruction.multiply_adds));
  return {instruction, best_rate(instruction, rounds, 1), threads,
          best_rate(instruction, rounds, threads)};
}

std::optional<ModePeak> find_peak(const std::vector<Peak>& peaks, const Mode& mode) {
  const Peak* products = find_peak_of(peaks, mode.cpu, mode.compute);
  const Peak* attention =
      mode.compute == "int8" ? find_peak_of(peaks, mode.cpu, "int16") : products;
  if (products == nullptr || attention == nullptr) return std::nullopt;
  return ModePeak{*products, *attention};
}

}  // namespace runed::bench
