#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "os/file/mapped_file.hpp"

namespace runed::bootstrap {

/// The bytes of an archive file without the compression around them: of a gzip file what it holds,
/// of any other file the file. The gunzipping is ours because libarchive 3.6 checks neither the
/// checksum and length at the end of a gzip stream nor what comes after it.
class ArchiveStream {
 public:
  enum class Format { tar, tar_gz, zip };

  /// Opens an archive; its first bytes tell the format. What is neither gzip nor zip may be a tar.
  static Result<ArchiveStream> open(const std::string& path);
  ArchiveStream(ArchiveStream&&) noexcept;
  ArchiveStream& operator=(ArchiveStream&&) = delete;
  ~ArchiveStream();

  Format format() const { return format_; }
  /// The file as it is.
  std::span<const std::byte> file() const { return file_.bytes(); }

  /// Returns the next bytes; none at the end. They stay until the next call.
  /// Errors: integrity if the gzip stream is cut short, damaged or followed by something else. Its
  ///         message is only the reason.
  Result<std::span<const std::byte>> next();

  /// Checks, once all was read, that it was the file that was opened.
  /// Errors: integrity. Its message is only the reason.
  Status check_unchanged() const;

  uint64_t file_bytes_read() const { return file_bytes_read_; }
  uint64_t bytes_returned() const { return bytes_returned_; }
  /// Where the zeros begin that `bytes_returned` ends in.
  uint64_t zeros_begin() const { return zeros_begin_; }

 private:
  struct Inflater;

  explicit ArchiveStream(os::MappedFile file);
  Result<std::span<const std::byte>> inflate();
  Status end_member();

  os::MappedFile file_;
  Format format_;
  std::unique_ptr<Inflater> inflater_;
  uint64_t file_bytes_read_ = 0;
  uint64_t bytes_returned_ = 0;
  uint64_t zeros_begin_ = 0;
};

}  // namespace runed::bootstrap
