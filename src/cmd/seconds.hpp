#pragma once

#include <string>

namespace runed::cmd {

/// Checks the value of a flag that is a time to wait: a number of seconds above 0, at most a year.
/// Returns what is wrong with it, as CLI11's validators do; empty: nothing.
std::string check_seconds(const std::string& text);

}  // namespace runed::cmd
