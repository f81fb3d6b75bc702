#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"

namespace runed::bootstrap {

// What settings can be: a type each, with the one parser that it has and what is shown of it. Every
// parser fails with invalid_argument: what is wrong with the text, and as a hint what would be right.

/// Which engine is to compute. `auto_select` leaves it to what is installed.
enum class EngineKind { auto_select, native, llama_server };
inline constexpr std::array<std::string_view, 3> kEngineNames{"auto", "native", "llama-server"};

/// What a llama-server is tuned for: time, or memory.
enum class LlamaProfile { speed, lowmem };
inline constexpr std::array<std::string_view, 2> kLlamaProfileNames{"speed", "lowmem"};

/// The number format of the native engine's matrix products, as embed::native::NumberFormat.
enum class NumberFormat { auto_select, f32, bf16, int16, int8 };
inline constexpr std::array<std::string_view, 5> kNumberFormatNames{"auto", "f32", "bf16", "int16",
                                                                    "int8"};

/// Instruction sets of the native engine, the best first. It alone knows which of them there are.
inline constexpr std::array<std::string_view, 6> kInstructionSetNames{
    "avx512-bf16", "avx512-vnni", "avx512", "avx-vnni", "avx2", "portable"};

/// The most threads that an engine can be given.
inline constexpr uint32_t kMostThreads = 64;

/// Returns the name of a value, as it is written and shown.
std::string_view name_of(EngineKind engine);
std::string_view name_of(LlamaProfile profile);
std::string_view name_of(NumberFormat compute);

/// Takes any text as it is.
Result<std::string> parse_text(std::string_view text);

/// One of an enumeration's names; an unknown one is told with the nearest.
Result<EngineKind> parse_engine(std::string_view text);
Result<LlamaProfile> parse_llama_profile(std::string_view text);
Result<NumberFormat> parse_compute(std::string_view text);

/// A duration in Go's syntax; one below 0 is 0, for never.
Result<std::chrono::nanoseconds> parse_idle_timeout(std::string_view text);

/// A whole number above 0.
Result<uint32_t> parse_ctx_size(std::string_view text);

/// A whole number from 1 to kMostThreads.
Result<uint32_t> parse_threads(std::string_view text);

/// A whole number of MiB, up to a TiB.
Result<uint32_t> parse_cache_mb(std::string_view text);

/// A number of bytes, as parse_byte_size takes it; optional, since none is set by default.
Result<uint64_t> parse_memory_budget(std::string_view text);

/// Shows a value in JSON: one that is not set as null, a choice by its name, a duration and
/// a number of bytes (uint64_t) as they are written.
Json show_value(const std::optional<std::string>& text);
Json show_value(uint32_t number);
Json show_value(const std::optional<uint32_t>& number);
Json show_value(const std::optional<uint64_t>& size_bytes);
Json show_value(EngineKind engine);
Json show_value(LlamaProfile profile);
Json show_value(NumberFormat compute);
Json show_value(std::chrono::nanoseconds duration);

}  // namespace runed::bootstrap
