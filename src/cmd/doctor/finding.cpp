#include "cmd/doctor/finding.hpp"

#include <utility>

namespace runed::cmd {

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok:
      return "ok";
    case Outcome::warning:
      return "warning";
    case Outcome::problem:
      break;
  }
  return "problem";
}

Finding problem(std::string name, const Error& error) {
  return {std::move(name), Outcome::problem, error.message, error.hint};
}

}  // namespace runed::cmd
