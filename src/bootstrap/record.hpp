#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "bootstrap/watch.hpp"

namespace runed::bootstrap {

/// Whether a file that has not changed since it was hashed is read again.
enum class Reading { if_changed, always };

/// Remembers the SHA-256 of files by path, device, inode, size and times, so that a boot need not read
/// 640 MB again to know that they are the ones that were verified. A record that is lost or damaged
/// only costs that reading.
class Record {
 public:
  /// `path` is the record's own file; it need not exist.
  explicit Record(std::string path) : path_(std::move(path)) {}

  /// Finds the digest of a file that has not changed since it was remembered.
  std::optional<std::string> find(const std::string& file) const;

  /// Returns the digests of files, in their order, and remembers those that were computed. `watch`
  /// follows the computing.
  /// Errors: not_found, permission_denied, io; bad_input for what is not a file; cancelled.
  Result<std::vector<std::string>> digests(const std::vector<std::string>& files, Reading reading,
                                           const Watch& watch) const;
  Result<std::string> digest(const std::string& file, Reading reading, const Watch& watch) const;

  /// Remembers the digest of a file that was just written.
  void remember(const std::string& file, const std::string& sha256) const;

 private:
  std::string path_;
};

}  // namespace runed::bootstrap
