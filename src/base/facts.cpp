#include "base/facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace runed {
namespace {

using std::chrono::nanoseconds;

constexpr double kLongestSeconds = 1e9;  // As nanoseconds it is a number still.

constexpr std::array kTimes{fact::kRetryAfter};
constexpr std::array kNumbers{fact::kIndex,  fact::kTokens,     fact::kLimit,
                              fact::kSignal, fact::kByteOffset, fact::kBytes,
                              fact::kTexts,  fact::kMinimum,    fact::kMaximum};

template <typename Value, size_t kCount>
bool contains(const std::array<Fact<Value>, kCount>& facts, std::string_view name) {
  return std::ranges::find(facts, name, &Fact<Value>::name) != facts.end();
}

template <typename Number>
std::optional<Number> parse(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return number;
}

}  // namespace

std::map<std::string, std::string> Facts::to_texts() const {
  std::map<std::string, std::string> texts;
  for (const Entry& entry : entries_) texts.emplace(entry.name, to_text(entry.value));
  return texts;
}

std::string Facts::text(std::string_view name) const {
  const Entry* const entry = find_entry(name);
  return entry == nullptr ? std::string() : to_text(entry->value);
}

void Facts::add_text(std::string_view name, std::string_view text) {
  if (contains(kTimes, name)) {
    const auto seconds = parse<double>(text);
    if (!seconds || !(*seconds >= 0 && *seconds <= kLongestSeconds)) return;
    put(name, std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>(*seconds)));
  } else if (contains(kNumbers, name)) {
    if (const auto number = parse<uint64_t>(text)) put(name, *number);
  } else if (name == fact::kDimensions.name) {
    if (const auto number = parse<int64_t>(text)) put(name, *number);
  } else {
    put(name, std::string(text));
  }
}

std::string Facts::to_text(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<uint64_t>(&value)) return std::to_string(*number);
  if (const auto* number = std::get_if<int64_t>(&value)) return std::to_string(*number);
  const auto time = std::get<nanoseconds>(value);
  std::string text = fmt::format("{:.3f}", std::chrono::duration<double>(time).count());
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

const Facts::Entry* Facts::find_entry(std::string_view name) const {
  const auto found = std::ranges::find(entries_, name, &Entry::name);
  return found == entries_.end() ? nullptr : &*found;
}

void Facts::put(std::string_view name, Value value) {
  const auto found = std::ranges::find(entries_, name, &Entry::name);
  if (found == entries_.end()) {
    entries_.push_back({std::string(name), std::move(value)});
  } else {
    found->value = std::move(value);
  }
}

}  // namespace runed
