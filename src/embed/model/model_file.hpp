#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "os/file/files.hpp"
#include "os/file/mapped_file.hpp"

namespace runed::embed {

/// Where a GGUF is: in memory, or else in a file to be mapped.
struct ModelSource {
  std::span<const std::byte> bytes;  // Read-only, file-backed and never freed: the executable's.
  std::string path;                  // Used when `bytes` is empty.
};

/// The bytes of a model. Whatever points into them shares their ownership. Those of a file change
/// when somebody writes to it, so what was read of them counts only if they are unchanged
/// afterwards. Bytes in memory never change.
class ModelFile {
 public:
  /// Maps the file, or borrows the bytes.
  /// Errors: model_missing if there is no such file; model_corrupt if it is empty or no file;
  ///         otherwise as MappedFile::open.
  static Result<std::shared_ptr<const ModelFile>> open(const ModelSource& source);

  std::span<const std::byte> bytes() const { return bytes_; }

  /// The file as it was opened; all zero for bytes in memory.
  const os::FileIdentity& identity() const { return map_.identity(); }

  /// The file as it is now, whatever has taken its path; all zero for bytes in memory.
  /// Errors: model_corrupt if that cannot be told.
  Result<os::FileIdentity> current_identity() const;

  /// Checks that nobody has written to the file since it was opened. Another file at its path, or
  /// another name or mode, does not matter.
  /// Errors: model_corrupt.
  Status check_unchanged() const;

  /// Computes the SHA-256, as 64 hex digits, without keeping the file in memory.
  /// Errors: model_corrupt if it changed before or meanwhile, or cannot be read.
  Result<std::string> digest() const;

  /// Returns a path at which another process of this user finds the file: its own, or one through
  /// this process if another file has taken that. Empty for bytes in memory.
  std::string path_for_others() const;

 private:
  ModelFile() = default;

  std::string path_;  // Empty for bytes in memory.
  os::MappedFile map_;
  std::span<const std::byte> bytes_;
};

/// Returns what read() finds in a file, or that it changed meanwhile: then neither that nor the
/// error it found counts.
template <typename Read>
auto read_unchanged(const ModelFile& file, const Read& read) -> decltype(read()) {
  auto found = read();
  TRY(file.check_unchanged());
  return found;
}

/// Returns the SHA-256 of a model: `sha256` if that is of this very file (`of`), else computed.
/// Errors: model_corrupt if it is not `promised`, which is empty if nothing was, or if the file
///         changed.
Result<std::string> identify(const ModelFile& file, const std::string& sha256,
                             const os::FileIdentity& of, const std::string& promised);

/// Returns how large a model is; `file` is that at the path of the source, if there is one.
inline uint64_t model_bytes(const ModelSource& source, const os::FileIdentity& file) {
  return source.bytes.empty() ? file.size_bytes : source.bytes.size();
}

/// Says which file an error is about.
Error about(const ModelSource& source, Error error);

}  // namespace runed::embed
