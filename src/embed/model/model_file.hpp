#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "os/file/files.hpp"
#include "os/file/mapped_file.hpp"

namespace runed::embed {

namespace hf {
class DirectoryFiles;
}

/// Where a model is: a GGUF in memory, or else a GGUF file or a directory of Hugging Face's form, to
/// be mapped.
struct ModelSource {
  std::span<const std::byte> bytes;  // Read-only, file-backed and never freed: the executable's.
  std::string path;                  // Used when `bytes` is empty.
};

/// The bytes of a model. Whatever points into them shares their ownership. Those of a file change
/// when somebody writes to it, so what was read of them counts only if they are unchanged
/// afterwards. Bytes in memory never change.
///
/// Of a directory these are all the files that the model is made of (hf::DirectoryFiles), which are
/// one file to who asks: unchanged if each of them is, and of one identity and one digest.
class ModelFile {
 public:
  /// Maps the file, or the files of the directory, or borrows the bytes.
  /// Errors: model_missing if there is no such file; model_corrupt if it is empty or no file;
  ///         otherwise as MappedFile::open; for a directory those of hf::DirectoryFiles::open.
  static Result<std::shared_ptr<const ModelFile>> open(const ModelSource& source);
  ~ModelFile();

  /// Reads what the model says of itself, and where its tensors are.
  /// Errors: those of Gguf::parse and hf::read_directory.
  Result<Gguf> gguf() const;

  /// The same without the tensors of a GGUF file, for who leaves them to another program.
  Result<Gguf> gguf_metadata() const;

  bool is_directory() const { return directory_ != nullptr; }

  /// The bytes of a GGUF; none of a directory.
  std::span<const std::byte> bytes() const { return bytes_; }

  uint64_t size_bytes() const;

  /// Gives back the memory that pages of the files take; they are read again when they are touched.
  void release_pages() const;

  /// The file as it was opened; all zero for bytes in memory. That of a directory is of all its files:
  /// their size together, and in place of numbers and times a digest of theirs, so that it is another
  /// one as soon as one of theirs is.
  const os::FileIdentity& identity() const { return identity_; }

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

  /// Returns the digest of a directory whose files have these: of what sha256sum prints of them, sorted
  /// by the bytes of their names, and of a line `name NAME`, since by that name prompts are known that
  /// the files do not have.
  /// Needs: a directory; as many digests as names().
  std::string digest_of_files(std::span<const std::string> digests) const;

  /// Returns a path at which another process of this user finds the file: its own, or one through
  /// this process if another file has taken that. Empty for bytes in memory. A directory has its own.
  std::string path_for_others() const;

  /// The files of a model by their paths, in the order of their digest: one, or those of a directory.
  std::vector<std::string> paths() const;

  /// The names of the files of a directory, as its digest has them; that of a GGUF is empty.
  std::vector<std::string> names() const;

 private:
  struct Part {
    std::string name;  // In the directory.
    os::MappedFile map;
  };

  ModelFile() = default;
  static Result<std::shared_ptr<const ModelFile>> open_directory(const std::string& path);

  std::string path_;         // Empty for bytes in memory.
  std::vector<Part> parts_;  // One for a file, none for bytes in memory; sorted by name.
  os::FileIdentity identity_{};
  std::span<const std::byte> bytes_;
  std::unique_ptr<const hf::DirectoryFiles> directory_;  // Null for a GGUF.
};

/// Returns what tells, without reading it, that the model at a path is still the one it was: as
/// ModelFile::identity.
/// Errors: those of os::file_identity; for a directory those of ModelFile::open.
Result<os::FileIdentity> identity_at(const std::string& path);

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
