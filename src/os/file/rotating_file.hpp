#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/file/fd.hpp"

namespace runed::os {

/// A log: a file that is only appended to, and put aside when it is full. `x` becomes `x.1`, `x.1`
/// becomes `x.2`, and the last one that is kept goes. Each is closed to other users.
class RotatingFile {
 public:
  struct Options {
    std::string path;
    uint64_t limit_bytes = uint64_t{8} << 20;  // Of one file.
    int keep = 1;                              // Old files, >= 1.
    std::vector<int> followers{};  // Descriptors of this process that lead to the open file too.
  };

  /// Opens the file and goes on at its end; puts it aside first if it is full and that can be done.
  /// Errors: `cannot open '<path>': <reason>`.
  static Result<RotatingFile> open(Options options);

  /// Goes on with the log that standard error leads to already; none if it leads elsewhere. From
  /// then on standard error follows, and standard output if it led there too: what libraries print,
  /// and the last words of a process that is ended, go to the file that is open.
  static std::optional<RotatingFile> of_standard_error(Options options);

  /// Appends the bytes, to a new file if they do not fit, or would pass what this process may write
  /// to one (`ulimit -f`). Only what is longer than the limit itself
  /// makes a file longer. The next write tries again whatever made this one fail.
  /// Errors: `cannot write '<path>': <reason>`, `cannot put '<path>' aside: <reason>`; as `open`.
  Status write(std::string_view bytes);

  /// Returns the size of the file that is open now.
  Result<uint64_t> size_bytes() const;

  /// The file that is open now, for a child that writes into it itself.
  int fd() const { return fd_.get(); }

 private:
  explicit RotatingFile(Options options) : options_(std::move(options)) {}

  bool is_at_its_path() const;
  Status reopen();
  Status put_aside();

  Options options_;
  Fd fd_;
};

}  // namespace runed::os
