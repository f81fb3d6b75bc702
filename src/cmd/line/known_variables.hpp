#pragma once

#include <span>
#include <string>
#include <vector>

namespace runed::cmd {

/// Finds among KEY=VALUE those variables that nobody reads, but whose names are near that of one that
/// is read: `there is no variable 'RUNED_THREDS': did you mean 'RUNED_THREADS'?`.
std::vector<std::string> find_misspelt_variables(std::span<const std::string> environment);

}  // namespace runed::cmd
