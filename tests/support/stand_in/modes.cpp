#include "support/stand_in/modes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/check.hpp"

namespace runed::test {
namespace {

enum class Value { none, number, text };

struct Known {
  std::string_view name;
  Value value;
  std::string_view meaning;
  bool is_fault = true;
};

constexpr Known kKnown[] = {
    // The build and the model.
    {"old", Value::none, "no Unix socket; TCP, and LLAMA_API_KEY is asked for", false},
    {"gpu", Value::none, "has a device", false},
    {"no-base64", Value::none, "answers arrays of numbers whatever is asked", false},
    {"dimension", Value::number, "floats of a vector (384)", false},
    {"refuses-over-ubatch", Value::none, "500 for a text longer than --ubatch-size", false},
    {"ubatch", Value::number, "what --ubatch-size says", false},
    {"record", Value::text, "appends to this file what it was given and asked", false},
    {"once", Value::text, "faults only if this file is not there; makes it", false},
    // The start.
    {"exits-at-once", Value::number, "with this code, after a line on stderr"},
    {"never-opens-socket", Value::none, "but stays"},
    {"never-healthy", Value::none, "/health answers 503 for ever"},
    {"loads-for", Value::number, "milliseconds before it is healthy"},
    {"prints-long-line", Value::number, "bytes of one line on stderr, before it listens"},
    {"prints-lines", Value::number, "lines on stderr, before it listens"},
    {"ignores-term", Value::none, "and SIGINT"},
    {"forks", Value::none, "a process in the same group that sleeps for ever"},
    // Embeddings, every request, or those that come `after`.
    {"after", Value::number, "requests answered right before the faults from here to `status`"},
    {"garbage", Value::none, "200 with a body that is no JSON"},
    {"cut-body", Value::none, "closes in the middle of the body"},
    {"endless-body", Value::none, "sends until the client goes"},
    {"nan", Value::none, "one value of each vector is not a number"},
    {"zero-vector", Value::none, "all vectors are 0"},
    {"wrong-norm", Value::none, "vectors of length 3"},
    {"wrong-dimension", Value::none, "one float too many"},
    {"too-few", Value::none, "one vector less than asked"},
    {"hang-but-healthy", Value::none, "never answers, but /health does"},
    {"status", Value::number, "answers this status and llama-server's error"},
    // Embeddings, at some of them.
    {"slow", Value::number, "milliseconds for each request"},
    {"waits-for", Value::text, "answers nothing while this file is not there", false},
    {"grows", Value::number, "bytes of memory kept at each request"},
    {"nan-on-token", Value::number, "as nan, for texts with this id"},
    {"status-on-token", Value::number, "500 for requests with a text with this id"},
    {"crash-on-token", Value::number, "abort() at a text with this id"},
    {"segv-on-token", Value::number, "SIGSEGV at a text with this id"},
    {"hang-on-token", Value::number, "as hang-after, at a text with this id"},
    {"crash-on-request", Value::number, "abort() when this request comes, from 1"},
    {"crash-after", Value::number, "abort() after this many answers"},
    {"hang-after", Value::number, "answers nothing at all after this many answers"},
};

const Known* find_known(std::string_view name) {
  const auto* const found = std::ranges::find(kKnown, name, &Known::name);
  return found == std::end(kKnown) ? nullptr : found;
}

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

}  // namespace

bool Modes::add(std::string_view mode) {
  const size_t sign = mode.find('=');
  const std::string_view name = mode.substr(0, sign);
  const std::string_view value =
      sign == std::string_view::npos ? std::string_view() : mode.substr(sign + 1);
  const Known* const known = find_known(name);
  if (known == nullptr) return false;
  if ((known->value == Value::none) != (sign == std::string_view::npos)) return false;
  if (known->value == Value::number && !parse_number(value)) return false;
  values_[std::string(name)] = value;
  return true;
}

std::optional<uint64_t> Modes::number(std::string_view name) const {
  const std::string* const value = find(name);
  return value == nullptr ? std::nullopt : parse_number(*value);
}

std::string Modes::text(std::string_view name) const {
  const std::string* const value = find(name);
  return value == nullptr ? std::string() : *value;
}

void Modes::forget_faults() {
  std::erase_if(values_, [](const auto& entry) { return find_known(entry.first)->is_fault; });
}

const std::string* Modes::find(std::string_view name) const {
  CHECK(find_known(name) != nullptr);
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

std::string list_modes() {
  std::string list;
  for (const Known& known : kKnown) {
    const std::string_view value = known.value == Value::none     ? ""
                                   : known.value == Value::number ? "=N"
                                                                  : "=FILE";
    list +=
        fmt::format("--mode {:<40} {}\n", fmt::format("{}{}", known.name, value), known.meaning);
  }
  return list;
}

}  // namespace runed::test
