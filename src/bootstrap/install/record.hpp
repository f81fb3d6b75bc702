#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "bootstrap/fetch/watch.hpp"

namespace runed::bootstrap {

/// Whether a file that has not changed since it was hashed is read again.
enum class Reading { if_changed, always };

/// What a GGUF file begins with. Source: the GGUF specification, header.
inline constexpr std::string_view kGgufMagic = "GGUF";

/// Looks at a model before all of it is read for its digest, and says what is wrong with it.
using ModelInspector = std::function<Status(const std::string& path)>;

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

  /// The same of a model, which is looked at first: whether it begins as a GGUF file, then by
  /// `inspect`, if that is not empty. The digest of a directory is that of its files
  /// (embed::ModelFile::digest), each of which is remembered.
  /// Errors: also model_corrupt for the first, and for what is no file; those of `inspect` and of
  ///         opening a directory.
  Result<std::string> model_digest(const std::string& file, Reading reading, const Watch& watch,
                                   const ModelInspector& inspect = {}) const;

  /// Finds the digest of a model, a file or a directory, of which no file has changed.
  std::optional<std::string> find_model(const std::string& path) const;

  /// Remembers the digest of a file that was just written.
  void remember(const std::string& file, const std::string& sha256) const;

  /// Forgets the files that are not there any more.
  void forget_missing() const;

 private:
  std::string path_;
};

}  // namespace runed::bootstrap
