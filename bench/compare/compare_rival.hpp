#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compare_contender.hpp"

namespace runed::bench {

/// What rivals are started from.
struct RivalSetting {
  std::string python;     // Of the environment that get-rivals makes.
  std::string script;     // rivals/rival.py.
  std::string model;      // A Hugging Face directory.
  std::string directory;  // For what is made of the model, and logs.
  unsigned threads = 1;
};

/// The rivals that were started, and why others were not.
struct Rivals {
  std::vector<std::unique_ptr<Contender>> started;
  std::vector<std::string> unavailable;
};

/// Starts each rival that there is in a child (rivals/rival.py), stopped (SIGSTOP) but for its turns.
/// What it needs is timed there, from the ids to the vectors. Dies with the calling thread.
/// Errors: those of Child; unavailable with the end of its log if it does not get ready.
Result<Rivals> start_rivals(const RivalSetting& setting);

}  // namespace runed::bench
