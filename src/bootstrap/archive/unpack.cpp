#include "bootstrap/archive/unpack.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "bootstrap/archive/archive_reader.hpp"
#include "bootstrap/archive/archive_tree.hpp"
#include "os/directory/tree_writer.hpp"

namespace runed::bootstrap {
namespace {

constexpr size_t kBlockBytes = size_t{64} * 1024;
constexpr uint64_t kFreeOfRatioBytes = uint64_t{16} << 20;

// Source: linux/limits.h; PATH_MAX counts the NUL.
constexpr size_t kMaxNameBytes = 255;
constexpr size_t kMaxPathBytes = 4095;

class Unpacking {
 public:
  Unpacking(const std::string& path, ArchiveReader reader, os::TreeWriter writer,
            const UnpackLimits& limits, const Watch& watch)
      : path_(path),
        reader_(std::move(reader)),
        writer_(std::move(writer)),
        limits_(limits),
        watch_(watch),
        buffer_(kBlockBytes) {}

  Status run();

 private:
  Error refuse(const std::string& why) const {
    return make_error(ErrorCode::integrity, "cannot unpack '{}': {}", path_, why);
  }
  Error refuse_entry(std::string_view name, std::string_view why) const {
    return refuse(fmt::format("entry '{}' {}", printable(name), why));
  }
  Status check_cancelled() const;
  Status check_entry_count() const;
  Status remember(const std::string& name, ArchiveTree::Kind kind, const std::string& target = {});
  Status check_bytes(const std::string& name, uint64_t file_bytes) const;
  Result<std::string> checked_name(const ArchiveEntry& entry) const;
  Status make_parents(const std::string& name);
  Status unpack_entry(const ArchiveEntry& entry);
  Status unpack_directory(const std::string& name, const ArchiveEntry& entry);
  Status unpack_file(const std::string& name, const ArchiveEntry& entry);
  Status unpack_hard_link(const std::string& name, const ArchiveEntry& entry);
  Status make_links() const;
  Status sync_directories() const;

  const std::string& path_;
  ArchiveReader reader_;
  os::TreeWriter writer_;
  const UnpackLimits& limits_;
  const Watch& watch_;
  std::vector<std::byte> buffer_;
  ArchiveTree tree_;
  uint64_t entries_ = 0;
  uint64_t total_bytes_ = 0;
};

Status Unpacking::check_cancelled() const {
  watch_.progress(reader_.file_bytes_read(), reader_.file_bytes());
  if (!watch_.cancelled()) return {};
  return make_error(ErrorCode::cancelled, "cannot unpack '{}': cancelled", path_);
}

Status Unpacking::check_entry_count() const {
  if (std::max<uint64_t>(entries_, tree_.nodes().size()) <= limits_.entries) return {};
  return refuse(fmt::format("it has more than {} entries", limits_.entries));
}

Status Unpacking::remember(const std::string& name, ArchiveTree::Kind kind,
                           const std::string& target) {
  tree_.add(name, {.kind = kind, .target = target});
  return check_entry_count();
}

Status Unpacking::check_bytes(const std::string& name, uint64_t file_bytes) const {
  const uint64_t total = total_bytes_ + file_bytes;
  if (file_bytes > limits_.file_bytes) {
    return refuse_entry(name, "is larger than " + format_bytes(limits_.file_bytes));
  }
  if (total > limits_.total_bytes) {
    return refuse_entry(
        name, fmt::format("makes it more than {} unpacked", format_bytes(limits_.total_bytes)));
  }
  if (total > kFreeOfRatioBytes && total / reader_.file_bytes() >= limits_.ratio) {
    return refuse_entry(
        name, fmt::format("makes it more than {} times its size unpacked", limits_.ratio));
  }
  return {};
}

Result<std::string> Unpacking::checked_name(const ArchiveEntry& entry) const {
  if (entry.name.empty()) return refuse_entry(entry.name, "has no name");
  const auto name = ArchiveTree::clean(entry.name);
  if (!name.has_value()) return refuse_entry(entry.name, "leaves the directory");
  const auto parts = split(*name, '/');
  const auto too_long = [](std::string_view part) { return part.size() > kMaxNameBytes; };
  if (entry.name.size() > kMaxPathBytes || std::ranges::any_of(parts, too_long)) {
    return refuse_entry(entry.name, "has too long a name");
  }
  if (parts.size() > limits_.depth + size_t{1}) {
    return refuse_entry(entry.name, fmt::format("is more than {} directories deep", limits_.depth));
  }
  return *name;
}

Status Unpacking::make_parents(const std::string& name) {
  for (const std::string& parent : ArchiveTree::parents_of(name)) {
    const ArchiveTree::Node* node = tree_.find(parent);
    if (node == nullptr) {
      TRY(remember(parent, ArchiveTree::Kind::directory));
      TRY(writer_.make_directory(parent, 0700));
    } else if (node->kind != ArchiveTree::Kind::directory) {
      return refuse_entry(
          name, fmt::format("is below '{}', which is not a directory", printable(parent)));
    }
  }
  return {};
}

Status Unpacking::unpack_entry(const ArchiveEntry& entry) {
  using Kind = ArchiveEntry::Kind;
  ++entries_;
  TRY(check_entry_count());
  TRY_ASSIGN(const std::string name, checked_name(entry));
  if (entry.kind == Kind::other) return refuse_entry(name, "is no file, directory or link");
  if (entry.is_encrypted) return refuse_entry(name, "is encrypted");
  if (entry.kind == Kind::directory) return unpack_directory(name, entry);
  if (name.empty()) return refuse_entry(entry.name, "is the directory itself");
  TRY(make_parents(name));
  if (tree_.find(name) != nullptr) return refuse_entry(name, "is there twice");
  if (entry.kind == Kind::hard_link) return unpack_hard_link(name, entry);
  if (entry.kind == Kind::file) return unpack_file(name, entry);
  if (entry.target.empty() || entry.target.size() > kMaxPathBytes) {
    return refuse_entry(name, "is a link to no possible name");
  }
  return remember(name, ArchiveTree::Kind::link, entry.target);
}

Status Unpacking::unpack_directory(const std::string& name, const ArchiveEntry& entry) {
  if (name.empty())
    return {};  // `./`: the one it is unpacked into, whose mode is not its business.
  const unsigned mode = (entry.mode & 0777) | 0700;
  TRY(make_parents(name));
  const ArchiveTree::Node* node = tree_.find(name);
  if (node == nullptr) {
    TRY(remember(name, ArchiveTree::Kind::directory));
    return writer_.make_directory(name, mode);
  }
  if (node->kind != ArchiveTree::Kind::directory) return refuse_entry(name, "is there twice");
  return writer_.set_directory_mode(name, mode);
}

Status Unpacking::unpack_file(const std::string& name, const ArchiveEntry& entry) {
  TRY(check_bytes(name, entry.size_bytes));
  TRY(remember(name, ArchiveTree::Kind::file));
  TRY_ASSIGN(os::TreeFile file, writer_.create_file(name, (entry.mode & 0777) | 0600));
  uint64_t file_bytes = 0;
  while (true) {
    TRY(check_cancelled());
    TRY_ASSIGN(const size_t count, reader_.read(buffer_));
    if (count == 0) break;
    file_bytes += count;
    TRY(check_bytes(name, file_bytes));
    TRY(file.write({reinterpret_cast<const char*>(buffer_.data()), count}));
  }
  if (file_bytes != entry.size_bytes) return refuse_entry(name, "is not of the size it states");
  total_bytes_ += file_bytes;
  return file.finish();
}

Status Unpacking::unpack_hard_link(const std::string& name, const ArchiveEntry& entry) {
  const std::string existing = ArchiveTree::clean(entry.target).value_or("");
  const ArchiveTree::Node* node = tree_.find(existing);
  if (node == nullptr || node->kind != ArchiveTree::Kind::file) {
    return refuse_entry(name, fmt::format("is a hard link to '{}', which is no earlier file",
                                          printable(entry.target)));
  }
  if (entry.size_bytes > 0) return refuse_entry(name, "is a hard link with content");
  TRY(remember(name, ArchiveTree::Kind::file));
  return writer_.make_hard_link(name, existing);
}

Status Unpacking::make_links() const {
  std::vector<const std::pair<const std::string, ArchiveTree::Node>*> links;
  for (const auto& node : tree_.nodes()) {
    if (node.second.kind != ArchiveTree::Kind::link) continue;
    TRY(check_cancelled());
    const auto fault = tree_.find_fault_of_link(node.first);
    if (fault.has_value()) {
      return refuse_entry(node.first,
                          fmt::format("{}: '{}'", *fault, printable(node.second.target)));
    }
    links.push_back(&node);
  }
  for (const auto* link : links) TRY(writer_.make_link(link->first, link->second.target));
  return {};
}

// Each by itself, as each file was: syncfs would be one call, but it waits for whatever else is
// being written to the file system, a download for instance.
Status Unpacking::sync_directories() const {
  for (const auto& [name, node] : tree_.nodes()) {
    TRY(check_cancelled());
    if (node.kind == ArchiveTree::Kind::directory) TRY(writer_.sync_directory(name));
  }
  return writer_.sync_directory("");
}

Status Unpacking::run() {
  while (true) {
    TRY(check_cancelled());
    TRY_ASSIGN(const auto entry, reader_.next());
    if (!entry.has_value()) break;
    TRY(unpack_entry(*entry));
  }
  TRY(make_links());
  TRY(sync_directories());
  return check_cancelled();
}

}  // namespace

Status unpack(const std::string& archive_path, const std::string& directory,
              const UnpackLimits& limits, const Watch& watch) {
  TRY_ASSIGN(ArchiveReader reader, ArchiveReader::open(archive_path));
  TRY_ASSIGN(os::TreeWriter writer, os::TreeWriter::open(directory));
  return Unpacking(archive_path, std::move(reader), std::move(writer), limits, watch).run();
}

}  // namespace runed::bootstrap
