#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace runed::os {

/// The files of /proc are texts of the kernel's, some pages long at most.
constexpr size_t kMostProcBytes = size_t{1} << 20;

/// Returns the number after the line's first word, as in /proc/vmstat or (with the colon) in
/// /proc/<pid>/status; 0 if no line begins with that word.
uint64_t number_after(std::string_view text, std::string_view word);

/// Returns the number that a text begins with, or 0.
uint64_t to_number(std::string_view text, int base = 10);

/// Returns the word at this place of a line, counted from 0; empty if it has fewer.
std::string_view word_at(std::string_view line, size_t index);

}  // namespace runed::os
