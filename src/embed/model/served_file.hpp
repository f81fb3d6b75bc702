#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.hpp"
#include "embed/model/model_file.hpp"

namespace runed::embed {

/// The model file of an engine. Once its SHA-256 was told, it is that model or none: an engine that
/// is started again has the file that was opened first, even if another one has taken its path; and
/// if that was written to, no other than one of the same SHA-256 at the path. For one thread.
class ServedFile {
 public:
  struct Options {
    ModelSource source{};
    std::string sha256{};           // Of the source, 64 hex digits; empty: not known.
    os::FileIdentity file{};        // What that digest is of, when the source is a file.
    std::string promised_sha256{};  // What any file at the path must hash to; empty: anything.
  };

  explicit ServedFile(Options options) : options_(std::move(options)) {}

  /// Opens the file for a start of the engine, and finds out its SHA-256. What is then read of it
  /// counts once `check` has succeeded.
  /// Errors: those of ModelFile::open; model_corrupt if the file is another one than was told.
  Result<std::shared_ptr<const ModelFile>> open();

  /// Forgets the file and what was told of it: a start failed before anybody heard of it.
  void forget();

  const std::string& sha256() const { return sha256_; }  // Since the first `open`.
  uint64_t size_bytes() const;                           // Of the file; 0 if none is open.
  void release_pages() const;  // As of ModelFile; nothing if none is open.
  std::string path_for_others() const;                   // As of ModelFile. Needs: it is open.

  /// Checks that the file is what was opened, before something is computed from it. If only its
  /// name, a link to it or its mode has changed, it is read once more and compared. Takes
  /// microseconds, but for that reading.
  /// Errors: model_corrupt.
  Status check();

  /// Checks that nobody has written to the file, after something was computed from it. What else
  /// may have happened is for the next `check`.
  /// Errors: model_corrupt.
  Status check_unchanged() const;

 private:
  Result<std::shared_ptr<const ModelFile>> open_first();
  Result<std::shared_ptr<const ModelFile>> open_again();
  Error refuse(const std::string& why) const;

  const Options options_;
  std::shared_ptr<const ModelFile> file_;
  os::FileIdentity identity_{};  // With which the file is known to have the told SHA-256.
  std::string sha256_;
  uint64_t size_bytes_ = 0;  // Of what was told.

  // The last file at the path that was refused, which need not be read again.
  os::FileIdentity refused_{};
  std::string why_refused_;
};

}  // namespace runed::embed
