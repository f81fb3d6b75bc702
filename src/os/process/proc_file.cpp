#include "os/process/proc_file.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace runed::os {
namespace {

constexpr std::string_view kBlank = " \t\n";

}  // namespace

std::string_view word_at(std::string_view line, size_t index) {
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
    const std::string_view word = line.substr(0, line.find_first_of(kBlank));
    if (index == 0 || word.empty()) return word;
    line.remove_prefix(word.size());
    --index;
  }
}

uint64_t to_number(std::string_view text, int base) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number, base);
  return number;
}

uint64_t number_after(std::string_view text, std::string_view word) {
  for (const std::string_view line : split(text, '\n')) {
    if (word_at(line, 0) == word) return to_number(word_at(line, 1));
  }
  return 0;
}

}  // namespace runed::os
