#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/result.hpp"
#include "embed/embedder.hpp"
#include "embed/native/gguf.hpp"
#include "embed/native/model_header.hpp"
#include "embed/native/thread_pool.hpp"
#include "os/files.hpp"
#include "os/mapped_file.hpp"

namespace runed::embed::native {

/// Where a GGUF is: in memory, or else in a file to be mapped.
struct ModelSource {
  std::span<const std::byte> bytes;  // Read-only, file-backed and never freed: the executable's.
  std::string path;                  // Used when `bytes` is empty.
};

/// The bytes of a model. Whatever points into them shares their ownership.
class ModelFile {
 public:
  /// Maps the file, or borrows the bytes.
  /// Errors: model_missing if there is no such file; otherwise as MappedFile::open.
  static Result<std::shared_ptr<const ModelFile>> open(const ModelSource& source);

  std::span<const std::byte> bytes() const { return bytes_; }

  /// The file as it was opened; all zero for bytes in memory.
  const os::FileIdentity& identity() const { return identity_; }

  /// Tells whether the mapped file has been written to since it was opened: what is mapped now is
  /// something else. A new file that took its path does not matter.
  bool was_overwritten() const;

 private:
  ModelFile() = default;

  std::string path_;             // Empty for bytes in memory, as are the next two.
  os::FileIdentity identity_{};  // When it was opened.
  os::MappedFile map_;
  std::span<const std::byte> bytes_;
};

/// Returns the SHA-256 of a model: `sha256` if that is of this very file (`of`), else computed.
/// Errors: model_corrupt if it is not `promised`, which is empty if nothing was.
Result<std::string> identify(const ModelFile& file, const std::string& sha256,
                             const os::FileIdentity& of, const std::string& promised);

/// Builds the tokenizer of a parsed file. The result shares ownership of the file: a request may
/// hold it for longer than the engine is started. `pool`, if there is one, helps while this runs.
/// Errors: model_corrupt, model_unsupported.
Result<std::shared_ptr<const Tokenizer>> make_tokenizer(std::shared_ptr<const ModelFile> file,
                                                        const Gguf& gguf, const ModelHeader& header,
                                                        ThreadPool* pool = nullptr);

/// Says which file an error is about.
Error about(const ModelSource& source, Error error);

}  // namespace runed::embed::native
