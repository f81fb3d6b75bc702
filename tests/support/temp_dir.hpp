#pragma once

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "support/catch.hpp"

namespace runed::test {

/// A fresh directory with a short path. It is removed at the end, unless the test fails there.
class TempDir {
 public:
  TempDir() : path_("/tmp/runed-test-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) FAIL("cannot create " << path_);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    const bool failed =
        std::uncaught_exceptions() > 0 || !Catch::getResultCapture().lastAssertionPassed();
    std::error_code ignored;
    if (!failed) std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  /// Returns the path of a name inside.
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

inline void write_text(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Returns the permission bits of a path, which is not followed if it is a link.
inline unsigned mode_of(const std::string& path) {
  return static_cast<unsigned>(std::filesystem::symlink_status(path).permissions()) & 0777U;
}

}  // namespace runed::test
