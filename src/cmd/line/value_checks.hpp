#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace runed::cmd {

// Checks of the values of flags. Each returns what is wrong with a value, with the range that it may
// have, as CLI11's validators do; empty: nothing.

/// A time to wait: a number of seconds above 0, at most a year.
std::string check_seconds(const std::string& text);

/// The same, or 0 for no wait at all.
std::string check_seconds_or_none(const std::string& text);

/// A whole number from `least` to `most`.
std::string check_whole_number(const std::string& text, int64_t least, int64_t most);

/// Dimensions of a vector: any whole number. Which of them there are, only the model knows.
std::string check_dimension_number(const std::string& text);

/// One of a few words.
std::string check_choice(const std::string& text, const std::vector<std::string>& choices);

}  // namespace runed::cmd
