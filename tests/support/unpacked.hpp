#pragma once

#include <string>
#include <string_view>

#include "bootstrap/archive/unpack.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

namespace runed::test {

/// An archive in a directory of its own, and what unpacking it gives.
class Unpacked {
 public:
  explicit Unpacked(std::string_view archive, const bootstrap::UnpackLimits& limits = {},
                    const bootstrap::Watch& watch = {}) {
    write_text(archive_path(), archive);
    std::filesystem::create_directory(dir_ / "out");
    status_ = bootstrap::unpack(archive_path(), dir_ / "out", limits, watch);
  }

  std::string archive_path() const { return dir_ / "x.tar"; }
  /// Returns the path of an entry.
  std::string operator/(std::string_view name) const { return dir_ / "out/" + std::string(name); }
  const Status& status() const { return status_; }

  /// Returns why it could not be unpacked, or fails the test.
  std::string refusal() const {
    const Error error = unwrap_error(status_);
    CHECK(error.code == ErrorCode::integrity);
    const std::string start = "cannot unpack '" + archive_path() + "': ";
    CHECK(error.message.starts_with(start));
    return error.message.substr(start.size());
  }

 private:
  TempDir dir_;
  Status status_;
};

}  // namespace runed::test
