#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace runed {

/// A fact about a failure, by the name and the unit that it has on a wire and in `--json`, with the
/// type that it has in the program.
template <typename Value>
struct Fact {
  std::string_view name;
};

/// The facts that the program goes by, and those that several places tell. Others are where they are made.
namespace fact {

inline constexpr Fact<std::chrono::nanoseconds> kRetryAfter{"retry_seconds"};  // Also as RetryInfo.
inline constexpr Fact<uint64_t> kIndex{"index"};    // Which of the texts of a call, from 0.
inline constexpr Fact<uint64_t> kTokens{"tokens"};  // That were found, or at least so many.
inline constexpr Fact<uint64_t> kLimit{"limit"};  // What is allowed, in the unit of what was found.
inline constexpr Fact<uint64_t> kSignal{"signal"};   // By which a process ended, or a command was.
inline constexpr Fact<std::string> kField{"field"};  // Of a request.
inline constexpr Fact<uint64_t> kByteOffset{"byte_offset"};  // Of the first byte that is no UTF-8.
inline constexpr Fact<uint64_t> kBytes{"bytes"};
inline constexpr Fact<uint64_t> kTexts{"texts"};
inline constexpr Fact<int64_t> kDimensions{"dimensions"};  // Asked for, of `minimum` to `maximum`.
inline constexpr Fact<uint64_t> kMinimum{"minimum"};
inline constexpr Fact<uint64_t> kMaximum{"maximum"};
inline constexpr Fact<std::string> kResetAt{"reset_at"};  // When what is given up is tried again.
inline constexpr Fact<std::string> kUrl{"url"};
inline constexpr Fact<std::string> kFound{"got"};  // A digest, and the one that was expected.
inline constexpr Fact<std::string> kExpected{"want"};
inline constexpr Fact<std::string> kConversionFault{"conversion_fault"};  // A key of a model file.
inline constexpr Fact<std::string> kMissing{"missing"};                   // What is not installed.

}  // namespace fact

/// The facts of one failure. Only wires turn them into texts, and back.
class Facts {
 public:
  template <typename Value>
  void set(Fact<Value> fact, Value value) {
    put(fact.name, std::move(value));
  }

  /// Finds a fact; null if it is not known of this failure.
  template <typename Value>
  const Value* find(Fact<Value> fact) const {
    const auto* found = find_entry(fact.name);
    return found == nullptr ? nullptr : std::get_if<Value>(&found->value);
  }

  template <typename Value>
  bool has(Fact<Value> fact) const {
    return find(fact) != nullptr;
  }

  bool is_empty() const { return entries_.empty(); }

  /// Returns all of them as a wire has them, by name. A time is in seconds, of three decimals at most.
  std::map<std::string, std::string> to_texts() const;

  /// Returns one of them so; empty if it is not known.
  std::string text(std::string_view name) const;

  /// Adds what a wire says. A fact that is known gets its type; one that cannot be read as that is left
  /// out, and one that is not known stays a text.
  void add_text(std::string_view name, std::string_view text);

 private:
  using Value = std::variant<uint64_t, int64_t, std::chrono::nanoseconds, std::string>;
  struct Entry {
    std::string name;
    Value value;
  };

  static std::string to_text(const Value& value);
  const Entry* find_entry(std::string_view name) const;
  void put(std::string_view name, Value value);

  std::vector<Entry> entries_;  // Few, if any.
};

}  // namespace runed
