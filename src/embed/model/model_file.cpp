#include "embed/model/model_file.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/sha256.hpp"
#include "embed/model/hf/directory_files.hpp"
#include "embed/model/hf/hf_directory.hpp"
#include "os/file/file_reader.hpp"
#include "os/machine/memory.hpp"
#include "os/process/process.hpp"

namespace runed::embed {
namespace {

// A file that was opened and cannot be read any more is not what it was.
template <typename Value>
Result<Value> as_corrupt(Result<Value> result) {
  if (!result) result.error().code = ErrorCode::model_corrupt;
  return result;
}

Result<std::string> hash_file(const os::Fd& fd) {
  TRY_ASSIGN(os::FileReader reader, os::FileReader::open(fd));
  Sha256 hash;
  while (true) {
    TRY_ASSIGN(const auto block, reader.next());
    if (block.empty()) return hash.finish();
    hash.update(block);
  }
}

// What was named by its path, as the errors of a model are called.
Result<os::MappedFile> open_mapped(const std::string& path) {
  auto mapped = os::MappedFile::open(path);
  if (mapped) return mapped;
  Error error = std::move(mapped).error();
  if (error.code == ErrorCode::not_found) error.code = ErrorCode::model_missing;
  if (error.code == ErrorCode::bad_input) error.code = ErrorCode::model_corrupt;
  return error;
}

int64_t number_of_digest(const std::string& text) {
  const std::string digest = sha256_hex(text);
  uint64_t number = 0;
  std::from_chars(digest.data(), digest.data() + 16, number, 16);
  return static_cast<int64_t>(number >> 1);
}

// Of several files in their order.
os::FileIdentity combine(std::span<const os::FileIdentity> all) {
  os::FileIdentity combined;
  std::string files;
  std::string modified;
  std::string changed;
  for (const os::FileIdentity& each : all) {
    combined.size_bytes += each.size_bytes;
    files += fmt::format("{} {}\n", each.device, each.inode);
    modified += fmt::format("{}\n", each.modified.count());
    changed += fmt::format("{}\n", each.changed.count());
  }
  combined.device = all.front().device;
  combined.inode = static_cast<uint64_t>(number_of_digest(files));
  combined.modified = std::chrono::nanoseconds{number_of_digest(modified)};
  combined.changed = std::chrono::nanoseconds{number_of_digest(changed)};
  return combined;
}

}  // namespace

ModelFile::~ModelFile() = default;

Result<std::shared_ptr<const ModelFile>> ModelFile::open(const ModelSource& source) {
  if (source.bytes.empty() && os::is_directory(source.path)) return open_directory(source.path);
  std::shared_ptr<ModelFile> file(new ModelFile);
  file->bytes_ = source.bytes;
  if (source.bytes.empty()) {
    file->path_ = source.path;
    TRY_ASSIGN(os::MappedFile map, open_mapped(source.path));
    file->identity_ = map.identity();
    file->bytes_ = map.bytes();
    file->parts_.push_back({{}, std::move(map)});
  }
  return std::shared_ptr<const ModelFile>(std::move(file));
}

Result<std::shared_ptr<const ModelFile>> ModelFile::open_directory(const std::string& path) {
  std::shared_ptr<ModelFile> file(new ModelFile);
  file->path_ = path;
  std::vector<Part>& parts = file->parts_;
  const auto path_of = [&path](const std::string& name) { return path + "/" + name; };
  const auto open_part =
      [&](const std::string& name) -> Result<std::optional<std::span<const std::byte>>> {
    auto map = open_mapped(path_of(name));
    if (!map && map.error().code == ErrorCode::model_missing) return std::nullopt;
    if (!map) return std::move(map).error();
    const std::span<const std::byte> bytes = map->bytes();
    parts.push_back({name, *std::move(map)});
    return bytes;
  };
  const auto exists = [&](const std::string& name) { return os::exists(path_of(name)); };
  auto files = hf::DirectoryFiles::open({.open = open_part, .exists = exists});
  if (!files) return about({.bytes = {}, .path = path}, std::move(files).error());
  std::ranges::sort(parts, {}, &Part::name);
  file->directory_ = std::make_unique<const hf::DirectoryFiles>(*std::move(files));
  std::vector<os::FileIdentity> identities;
  for (const Part& part : parts) identities.push_back(part.map.identity());
  file->identity_ = combine(identities);
  return std::shared_ptr<const ModelFile>(std::move(file));
}

Result<Gguf> ModelFile::gguf() const {
  if (is_directory()) return hf::read_directory(*directory_, hf::directory_model_name(path_));
  return Gguf::parse(bytes_);
}

Result<Gguf> ModelFile::gguf_metadata() const {
  return is_directory() ? gguf() : Gguf::parse_metadata(bytes_);
}

uint64_t ModelFile::size_bytes() const {
  return path_.empty() ? bytes_.size() : identity_.size_bytes;
}

void ModelFile::release_pages() const {
  if (path_.empty()) os::release_pages(bytes_);
  for (const Part& part : parts_) os::release_pages(part.map.bytes());
}

std::vector<std::string> ModelFile::paths() const {
  std::vector<std::string> paths;
  for (const Part& part : parts_) {
    paths.push_back(is_directory() ? path_ + "/" + part.name : path_);
  }
  return paths;
}

std::vector<std::string> ModelFile::names() const {
  std::vector<std::string> names;
  for (const Part& part : parts_) names.push_back(part.name);
  return names;
}

Result<os::FileIdentity> ModelFile::current_identity() const {
  if (path_.empty()) return os::FileIdentity{};
  std::vector<os::FileIdentity> now;
  for (const Part& part : parts_) {
    TRY_ASSIGN(now.emplace_back(), as_corrupt(os::file_identity(part.map.fd())));
  }
  return is_directory() ? combine(now) : now.front();
}

Status ModelFile::check_unchanged() const {
  for (const Part& part : parts_) {
    const Status same = part.map.check_unchanged();
    if (same) continue;
    return make_error(ErrorCode::model_corrupt,
                      "the model '{}' was changed while it was used: {}{}", path_,
                      part.name.empty() ? "" : part.name + ": ", same.error().message)
        .with_hint("put the file back as it was, and try again when nobody writes to it");
  }
  return {};
}

// Not of the mapping: of a large model only the pages are to be in memory that are needed there.
Result<std::string> ModelFile::digest() const {
  if (path_.empty()) return sha256_hex(bytes_);
  return read_unchanged(*this, [this]() -> Result<std::string> {
    std::vector<std::string> digests;
    for (const Part& part : parts_) {
      TRY_ASSIGN(digests.emplace_back(), as_corrupt(hash_file(part.map.fd())));
    }
    if (!is_directory()) return digests.front();
    return digest_of_files(digests);
  });
}

std::string ModelFile::path_for_others() const {
  if (path_.empty() || is_directory()) return path_;
  const auto there = os::file_identity(path_);
  if (there && os::is_same_file(*there, identity())) return path_;
  return fmt::format("/proc/{}/fd/{}", os::process_id(), parts_.front().map.fd().get());
}

std::string ModelFile::digest_of_files(std::span<const std::string> digests) const {
  const auto names_of_files = names();
  std::string lines;
  for (size_t i = 0; i < digests.size(); ++i) {
    lines += fmt::format("{}  {}\n", digests[i], names_of_files[i]);
  }
  lines += fmt::format("name {}\n", hf::directory_model_name(path_));
  return sha256_hex(lines);
}

Result<os::FileIdentity> identity_at(const std::string& path) {
  if (!os::is_directory(path)) return os::file_identity(path);
  TRY_ASSIGN(const auto file, ModelFile::open({.bytes = {}, .path = path}));
  return file->identity();
}

Result<std::string> identify(const ModelFile& file, const std::string& sha256,
                             const os::FileIdentity& of, const std::string& promised) {
  std::string found = sha256;
  if (found.empty() || file.identity() != of) {
    TRY_ASSIGN(found, file.digest());
  }
  if (promised.empty() || found == promised) return found;
  return make_error(ErrorCode::model_corrupt, "the file was replaced: its SHA-256 is {}, not {}",
                    found, promised)
      .with_hint("'runed verify' tells which file it is, and whether it can be installed again");
}

Error about(const ModelSource& source, Error error) {
  if (!source.path.empty() && error.message.find(source.path) == std::string::npos) {
    error.message = fmt::format("cannot use the model '{}': {}", source.path, error.message);
  }
  return error;
}

}  // namespace runed::embed
