#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/result.hpp"
#include "base/sha256.hpp"
#include "bootstrap/fetch/watch.hpp"
#include "os/file/fd.hpp"

namespace runed::bootstrap {

/// Tells whether a file of this name is one that is being fetched, or goes with one.
bool is_partial_file(std::string_view name);

/// Who served the bytes of a partial file, and by which marks the server knows that version.
struct PieceOrigin {
  std::string url;
  std::string etag;           // A strong one, with its quotes; empty: none.
  std::string last_modified;  // As the server wrote it; empty: none.

  bool operator==(const PieceOrigin&) const = default;
};

/// A file that is being fetched: `<path>.partial`, and beside it `<path>.partial.json` with what it
/// is to become and where it comes from. Every byte is hashed on its way. What was fetched stays
/// for the next process, unless there is nothing; `commit` makes it the file.
/// Needs: that nobody else fetches to this path (install.lock).
class PartialFile {
 public:
  /// Opens what an earlier process left and hashes it again, or starts an empty file. `sha256` is
  /// empty where nobody knows it. Bytes that
  /// were to have another digest, or of which nothing is known, are thrown away, and so are more
  /// than the file can have.
  /// Errors: cancelled; that a file cannot be read or written.
  static Result<PartialFile> open(const std::string& path, const std::string& sha256,
                                  const Watch& watch, uint64_t most_bytes = UINT64_MAX);

  PartialFile(PartialFile&&) = default;
  PartialFile& operator=(PartialFile&&) = default;
  ~PartialFile();

  uint64_t size_bytes() const { return size_bytes_; }

  /// Where the bytes are until `commit`.
  const std::string& partial_path() const { return partial_path_; }

  /// Where the bytes are from; empty if there are none.
  const std::optional<PieceOrigin>& origin() const { return origin_; }

  /// Tells whether the bytes came in more than one piece, so that none of the servers answers for
  /// all of them.
  bool is_mixed() const { return is_mixed_; }

  /// Remembers who serves the bytes that follow, before the first of them is written.
  Status begin_piece(const PieceOrigin& origin);

  /// Adds bytes at the end.
  /// Errors: `cannot write '<path>.partial': <reason>`; the file is then as it was.
  Status append(std::span<const std::byte> bytes);

  /// Throws the bytes away.
  Status restart();

  /// Returns the digest of all bytes. From then on only `restart` and `commit` make sense.
  std::string finish_digest() { return hash_.finish(); }

  /// Makes it the file at the path, on the disk when this returns.
  Status commit();

 private:
  PartialFile(std::string path, std::string sha256);

  Status load(const Watch& watch, uint64_t most_bytes);
  Status truncate(uint64_t size_bytes);

  std::string path_;
  std::string partial_path_;
  std::string origin_path_;
  std::string sha256_;  // Wanted; lower case; empty: any.
  os::Fd fd_;           // Open for appending until `commit`.
  Sha256 hash_;
  uint64_t size_bytes_ = 0;
  uint64_t unsynced_bytes_ = 0;
  std::optional<PieceOrigin> origin_;
  bool is_mixed_ = false;
};

}  // namespace runed::bootstrap
