#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "bootstrap/watch.hpp"

namespace runed::bootstrap {

/// Remembers the SHA-256 of files by path, size, inode and times, so that a boot need not read
/// 640 MB again to know that they are the ones that were verified. A record that is lost or damaged
/// only costs that reading.
class Record {
 public:
  /// `path` is the record's own file; it need not exist.
  explicit Record(std::string path) : path_(std::move(path)) {}

  /// Finds the digest of a file that has not changed since it was remembered.
  std::optional<std::string> find(const std::string& file) const;

  /// Returns the digests of files, in their order: those remembered, or else computed, and then
  /// remembered. `watch` follows the computing.
  /// Errors: not_found, io; cancelled.
  Result<std::vector<std::string>> digests(const std::vector<std::string>& files,
                                           const Watch& watch) const;
  Result<std::string> digest(const std::string& file, const Watch& watch) const;

  /// Remembers digests that were just computed, by file.
  void remember(const std::map<std::string, std::string>& digests) const;

 private:
  std::string path_;
};

}  // namespace runed::bootstrap
