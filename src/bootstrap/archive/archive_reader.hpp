#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.hpp"

namespace runed::bootstrap {

/// What an archive says about one entry, unchecked.
struct ArchiveEntry {
  enum class Kind { file, directory, link, hard_link, other };

  std::string name;  // As far as its first NUL, which is where libarchive takes it to end.
  Kind kind = Kind::other;
  std::string target;       // Of a link or hard link.
  unsigned mode = 0;        // All twelve bits.
  uint64_t size_bytes = 0;  // Of a file, holes included.
  bool is_encrypted = false;
};

/// Reads a tar, tar.gz or zip from front to back with libarchive, which is loaded for that. An
/// archive that is cut short, damaged or followed by something else is an error in every format.
/// Errors: integrity, worded `cannot unpack '<path>': <reason>`; not_found if libarchive is not
///         installed.
class ArchiveReader {
 public:
  static Result<ArchiveReader> open(const std::string& path);
  ArchiveReader(ArchiveReader&&) noexcept;
  ArchiveReader& operator=(ArchiveReader&&) = delete;
  ~ArchiveReader();

  /// Goes to the next entry; none at the end of a sound archive.
  Result<std::optional<ArchiveEntry>> next();

  /// Reads the content of a file entry; 0 at its end. Holes are read as zeros.
  Result<size_t> read(std::span<std::byte> buffer);

  uint64_t file_bytes() const;       // The archive's size.
  uint64_t file_bytes_read() const;  // How far into it the reading has come.

 private:
  struct State;

  explicit ArchiveReader(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace runed::bootstrap
