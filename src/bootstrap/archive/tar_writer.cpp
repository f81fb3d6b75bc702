#include "bootstrap/archive/tar_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <string_view>

#include "os/file/atomic_file.hpp"
#include "os/file/files.hpp"
#include "os/file/mapped_file.hpp"

// The format is POSIX's ustar; a name or a size that does not fit in its fields is in a pax header
// before it, as in every tar of today. Source: POSIX.1-2017, pax, "ustar Interchange Format" and
// "pax Extended Header".

namespace runed::bootstrap {
namespace {

constexpr size_t kBlockBytes = 512;
constexpr size_t kWriteBytes = size_t{1} << 20;
constexpr uint64_t kSyncBytes = uint64_t{32} << 20;  // So that no one sync keeps a cancellation.

constexpr size_t kNameBytes = 100;
constexpr uint64_t kMaxSize = (uint64_t{1} << 33) - 1;  // Eleven octal digits.

enum class Type : char { file = '0', directory = '5', extended = 'x' };

// Puts `text` at an offset of a header's field; what is left of it stays NUL.
void put(std::string& header, size_t offset, std::string_view text) {
  header.replace(offset, text.size(), text);
}

std::string header_block(std::string_view name, uint64_t size_bytes, Type type) {
  std::string header(kBlockBytes, '\0');
  put(header, 0, name.substr(0, kNameBytes));
  put(header, 100, type == Type::directory ? "0000700" : "0000600");
  put(header, 108, "0000000");  // User.
  put(header, 116, "0000000");  // Group.
  put(header, 124, fmt::format("{:011o}", std::min(size_bytes, kMaxSize)));
  put(header, 136, "00000000000");  // Time.
  put(header, 148, "        ");     // The checksum counts its own field as spaces.
  header[156] = static_cast<char>(type);
  put(header, 257, std::string_view("ustar\00000", 8));
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(header, 148, fmt::format("{:06o}", sum));
  header[154] = '\0';
  return header;
}

std::string padding(uint64_t size_bytes) {
  return std::string((kBlockBytes - size_bytes % kBlockBytes) % kBlockBytes, '\0');
}

// `<length> <key>=<value>\n`, where the length counts its own digits.
std::string pax_record(std::string_view key, std::string_view value) {
  const size_t rest = key.size() + value.size() + 3;
  size_t length = rest + 1;
  while (rest + std::to_string(length).size() != length) ++length;
  return fmt::format("{} {}={}\n", length, key, value);
}

std::string entry_header(const std::string& name, uint64_t size_bytes, Type type) {
  std::string records;
  if (name.size() > kNameBytes) records += pax_record("path", name);
  if (size_bytes > kMaxSize) records += pax_record("size", std::to_string(size_bytes));
  std::string header;
  if (!records.empty()) {
    header =
        header_block("pax", records.size(), Type::extended) + records + padding(records.size());
  }
  return header + header_block(name, size_bytes, type);
}

// An empty file cannot be mapped, and has no bytes that would have to be.
Result<os::MappedFile> map_file(const std::string& path) {
  TRY_ASSIGN(const os::FileIdentity identity, os::file_identity(path));
  if (identity.size_bytes == 0) return os::MappedFile();
  return os::MappedFile::open(path);
}

Status check_unchanged(const TarEntry& entry, const os::MappedFile& file) {
  if (file.bytes().empty()) return {};
  const Status same = file.check_unchanged();
  if (same) return {};
  return make_error(ErrorCode::io, "'{}' was changed while it was read: {}", entry.content_path,
                    same.error().message);
}

class TarWriter {
 public:
  TarWriter(const std::string& path, os::AtomicFile file, const Watch& watch)
      : path_(path), file_(std::move(file)), watch_(watch) {}

  Status run(const std::vector<TarEntry>& entries);

 private:
  Status add_directories(const std::string& name);
  Status add_file(const std::string& name, std::string_view content);
  Status write(std::string_view bytes);

  const std::string& path_;
  os::AtomicFile file_;
  const Watch& watch_;
  std::set<std::string> directories_;
  uint64_t bytes_done_ = 0;
  uint64_t bytes_total_ = 0;
  uint64_t unsynced_bytes_ = 0;
};

Status TarWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (watch_.cancelled()) {
      return make_error(ErrorCode::cancelled, "cannot write '{}': cancelled", path_);
    }
    const std::string_view block = bytes.substr(0, kWriteBytes);
    TRY(file_.write(block));
    bytes.remove_prefix(block.size());
    unsynced_bytes_ += block.size();
    if (unsynced_bytes_ < kSyncBytes) continue;
    TRY(file_.sync());
    unsynced_bytes_ = 0;
  }
  return {};
}

Status TarWriter::add_directories(const std::string& name) {
  for (size_t end = name.find('/'); end != std::string::npos; end = name.find('/', end + 1)) {
    const std::string directory = name.substr(0, end + 1);
    if (!directories_.insert(directory).second) continue;
    TRY(write(entry_header(directory, 0, Type::directory)));
  }
  return {};
}

Status TarWriter::add_file(const std::string& name, std::string_view content) {
  TRY(add_directories(name));
  TRY(write(entry_header(name, content.size(), Type::file)));
  const std::string end = padding(content.size());
  while (!content.empty()) {
    const std::string_view block = content.substr(0, kWriteBytes);
    TRY(write(block));
    content.remove_prefix(block.size());
    bytes_done_ += block.size();
    watch_.progress(bytes_done_, bytes_total_);
  }
  return write(end);
}

Status TarWriter::run(const std::vector<TarEntry>& entries) {
  // Mapped before the first byte is written: a file that is missing is known now, and none
  // changes its size between its header and its content.
  std::vector<os::MappedFile> files(entries.size());
  std::vector<std::string_view> contents;
  for (size_t i = 0; i < entries.size(); ++i) {
    contents.emplace_back(entries[i].content);
    if (!entries[i].content_path.empty()) {
      TRY_ASSIGN(files[i], map_file(entries[i].content_path));
      const auto bytes = files[i].bytes();
      contents[i] = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
    bytes_total_ += contents[i].size();
  }
  for (size_t i = 0; i < entries.size(); ++i) {
    const Status added = add_file(entries[i].name, contents[i]);
    TRY(check_unchanged(entries[i], files[i]));  // First: the kernel cannot write what is gone.
    TRY(added);
  }
  TRY(write(std::string(2 * kBlockBytes, '\0')));
  return file_.commit();
}

}  // namespace

Status write_tar(const std::string& path, const std::vector<TarEntry>& entries,
                 const Watch& watch) {
  TRY_ASSIGN(os::AtomicFile file, os::AtomicFile::create(path, 0600));
  return TarWriter(path, std::move(file), watch).run(entries);
}

}  // namespace runed::bootstrap
