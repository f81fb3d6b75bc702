#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "os/file/fd.hpp"

namespace runed::os {

/// Reads a whole regular file; anything else at the path is neither read nor waited for.
/// Errors: bad_input if it is larger than `max_bytes`; as open_regular_file.
Result<std::string> read_file(const std::string& path, size_t max_bytes);

/// Reads the last `max_bytes` of a regular file, or all of it if it is shorter.
Result<std::string> read_tail(const std::string& path, size_t max_bytes);

/// Reads until the end of the stream, whether or not the descriptor blocks.
Result<std::string> read_all(int fd);

/// Reads what there is, once there is something, up to the size of `buffer`; 0 at the end.
Result<size_t> read_some(int fd, std::span<char> buffer);

/// Returns the most bytes that this process may have in a file (`ulimit -f`); none: as many as the file
/// system takes.
std::optional<uint64_t> file_size_limit();

/// Writes all of `content` to a blocking descriptor.
Status write_all(int fd, std::string_view content);

/// Opens what a user has named as input, a FIFO too: then this waits for its writer. What is ours, or
/// must not be waited for, is opened by open_regular_file.
Result<Fd> open_input(const std::string& path);

/// Tells how many bytes a regular file has left from the position of its descriptor on; none for
/// anything else.
std::optional<uint64_t> bytes_left_of_file(int fd);

/// Opens a regular file of ours for appending and reading, and creates it with this mode if there is
/// none. A link at the path is not followed.
Result<Fd> open_for_append(const std::string& path, unsigned mode);

/// Removes a file. One that is not there is no error.
Status remove_file(const std::string& path);

/// Sets the permission bits of a file or directory.
Status set_mode(const std::string& path, unsigned mode);

/// Tells whether something is at the path; a link counts as what it points to.
bool exists(const std::string& path);

/// Tells whether anything is at the path, be it a link that leads nowhere.
bool is_taken(const std::string& path);

/// Tells whether a regular file is at the path, and not a link to one.
bool is_regular_file(const std::string& path);

/// Tells whether a directory is at the path; a link counts as what it points to.
bool is_directory(const std::string& path);

/// Tells whether we may execute the file at the path; a link counts as what it points to.
bool is_executable_file(const std::string& path);

/// Who may do what with a file; a link counts as what it points to.
struct FileOwner {
  unsigned uid = 0;
  unsigned mode = 0;  // Permission bits.
};
Result<FileOwner> file_owner(const std::string& path);

/// What tells, without reading it, that a file is still the one it was.
struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size_bytes = 0;
  std::chrono::nanoseconds modified{};  // Since 1970, as the file system keeps it; as is the next.
  std::chrono::nanoseconds changed{};   // Of content, name or mode; nobody can set it back.

  bool operator==(const FileIdentity&) const = default;
};
Result<FileIdentity> file_identity(const std::string& path);
Result<FileIdentity> file_identity(const Fd& fd);
Result<FileIdentity> file_identity(int fd);

/// Tells whether two identities are of one file, whatever was done to it in between.
bool is_same_file(const FileIdentity& a, const FileIdentity& b);

/// The same for who is about to read the file: waits, if it was written to a moment ago, until its
/// times are past. Whoever writes to it from then on gives it another identity; within one tick of
/// the kernel's clock nobody does.
Result<FileIdentity> settled_identity(const std::string& path);
Result<FileIdentity> settled_identity(const Fd& fd);

/// Takes the lock of an open file (flock), unless somebody has it. It is freed with the descriptor.
Result<bool> try_lock(const Fd& fd);

/// Cuts an open file short, or lengthens it with zeros.
Status truncate_file(const Fd& fd, uint64_t size_bytes);

/// Waits until what was written to a file is on the disk.
Status sync_data(const Fd& fd);

/// Makes a path absolute against the working directory and removes `.`, `..` and doubled slashes,
/// without looking at the file system.
std::string absolute_path(const std::string& path);

/// Returns the directory part of an absolute path.
std::string parent_directory(const std::string& path);

/// Follows every link in an existing path; returns other paths as they are.
std::string resolve_links(const std::string& path);

/// Creates a directory and its missing parents with mode 0700; leaves existing ones as they are.
Status make_missing_directories(const std::string& path);

}  // namespace runed::os
