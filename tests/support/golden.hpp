#pragma once

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "support/catch.hpp"

namespace runed::test {

/// Compares a text with tests/golden/<name>. Run with ACCEPT=1 to rewrite the file instead.
inline void check_golden(const std::string& name, const std::string& text) {
  const std::string path = fmt::format("{}/{}", RUNED_GOLDEN_DIR, name);
  if (std::getenv("ACCEPT") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    SUCCEED();
    return;
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream expected;
  expected << file.rdbuf();
  INFO("golden file: " << path);
  CHECK(text == expected.str());
}

}  // namespace runed::test
