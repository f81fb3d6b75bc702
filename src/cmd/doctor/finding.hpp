#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace runed::cmd {

/// How bad what a check found is.
enum class Outcome { ok, warning, problem };

/// Returns `ok`, `warning` or `problem`.
std::string_view name_of(Outcome outcome);

/// What one check of the doctor found.
struct Finding {
  std::string name;
  Outcome outcome = Outcome::ok;
  std::string detail;
  std::string advice{};  // What to do; empty if there is nothing.
};

/// Makes a problem of an error.
Finding problem(std::string name, const Error& error);

}  // namespace runed::cmd
