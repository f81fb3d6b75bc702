#include "bootstrap/config/setting_values.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <vector>

#include "base/byte_size.hpp"
#include "base/duration.hpp"
#include "base/text.hpp"

namespace runed::bootstrap {
namespace {

constexpr uint32_t kMostCacheMb = 1 << 20;  // A TiB.

// One of an enumeration's values, which are counted as their names are. `what` is what they are, for
// the error.
template <typename Choice>
Result<Choice> parse_choice(std::span<const std::string_view> names, std::string_view what,
                            std::string_view text) {
  const auto found = std::ranges::find(names, text);
  if (found != names.end()) return static_cast<Choice>(found - names.begin());
  Error error = make_error(ErrorCode::invalid_argument, "unknown {} '{}'", what, text);
  const auto nearest = find_nearest(text, std::vector<std::string>(names.begin(), names.end()));
  return std::move(error).with_hint(nearest.has_value()
                                        ? fmt::format("did you mean '{}'?", *nearest)
                                        : fmt::format("one of {}", fmt::join(names, ", ")));
}

std::optional<uint32_t> find_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  uint32_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, fault] = std::from_chars(text.data(), end, number);
  if (fault != std::errc{} || rest != end) return std::nullopt;
  return number;
}

}  // namespace

std::string_view name_of(EngineKind engine) {
  return kEngineNames.at(static_cast<size_t>(engine));
}

std::string_view name_of(LlamaProfile profile) {
  return kLlamaProfileNames.at(static_cast<size_t>(profile));
}

std::string_view name_of(NumberFormat compute) {
  return kNumberFormatNames.at(static_cast<size_t>(compute));
}

Result<std::string> parse_text(std::string_view text) {
  return std::string(text);
}

Result<EngineKind> parse_engine(std::string_view text) {
  return parse_choice<EngineKind>(kEngineNames, "engine", text);
}

Result<LlamaProfile> parse_llama_profile(std::string_view text) {
  return parse_choice<LlamaProfile>(kLlamaProfileNames, "profile", text);
}

Result<NumberFormat> parse_compute(std::string_view text) {
  return parse_choice<NumberFormat>(kNumberFormatNames, "compute mode", text);
}

Result<std::chrono::nanoseconds> parse_idle_timeout(std::string_view text) {
  TRY_ASSIGN(const std::chrono::nanoseconds timeout, parse_duration(text));
  return std::max(timeout, std::chrono::nanoseconds{0});
}

Result<uint32_t> parse_ctx_size(std::string_view text) {
  const auto tokens = find_number(text);
  if (tokens.value_or(0) > 0) return *tokens;
  return make_error(ErrorCode::invalid_argument, "invalid number of tokens '{}'", text)
      .with_hint("write a whole number above 0, such as 2048");
}

Result<uint32_t> parse_threads(std::string_view text) {
  const auto threads = find_number(text);
  if (threads.has_value() && *threads >= 1 && *threads <= kMostThreads) return *threads;
  return make_error(ErrorCode::invalid_argument, "invalid number of threads '{}'", text)
      .with_hint(fmt::format("write a whole number from 1 to {}", kMostThreads));
}

Result<uint32_t> parse_cache_mb(std::string_view text) {
  const auto mb = find_number(text);
  if (mb.has_value() && *mb <= kMostCacheMb) return *mb;
  return make_error(ErrorCode::invalid_argument, "invalid number of MiB '{}'", text)
      .with_hint(fmt::format("write a whole number from 0, which keeps none, to {}", kMostCacheMb));
}

Result<uint64_t> parse_memory_budget(std::string_view text) {
  return parse_byte_size(text);
}

Json show_value(const std::optional<std::string>& text) {
  return text.has_value() ? Json(*text) : Json(nullptr);
}

Json show_value(uint32_t number) {
  return number;
}

Json show_value(const std::optional<uint32_t>& number) {
  return number.has_value() ? Json(*number) : Json(nullptr);
}

Json show_value(const std::optional<uint64_t>& size_bytes) {
  return size_bytes.has_value() ? Json(format_byte_size(*size_bytes)) : Json(nullptr);
}

Json show_value(EngineKind engine) {
  return name_of(engine);
}

Json show_value(LlamaProfile profile) {
  return name_of(profile);
}

Json show_value(NumberFormat compute) {
  return name_of(compute);
}

Json show_value(std::chrono::nanoseconds duration) {
  return format_duration(duration);
}

}  // namespace runed::bootstrap
