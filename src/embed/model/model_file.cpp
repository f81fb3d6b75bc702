#include "embed/model/model_file.hpp"

#include <utility>

#include "base/sha256.hpp"
#include "os/file/file_reader.hpp"
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

}  // namespace

Result<std::shared_ptr<const ModelFile>> ModelFile::open(const ModelSource& source) {
  std::shared_ptr<ModelFile> file(new ModelFile);
  file->bytes_ = source.bytes;
  if (source.bytes.empty()) {
    auto mapped = os::MappedFile::open(source.path);
    if (!mapped.has_value()) {
      Error error = std::move(mapped).error();
      if (error.code == ErrorCode::not_found) error.code = ErrorCode::model_missing;
      if (error.code == ErrorCode::bad_input) error.code = ErrorCode::model_corrupt;
      return error;
    }
    file->path_ = source.path;
    file->map_ = *std::move(mapped);
    file->bytes_ = file->map_.bytes();
  }
  return std::shared_ptr<const ModelFile>(std::move(file));
}

Result<os::FileIdentity> ModelFile::current_identity() const {
  if (path_.empty()) return os::FileIdentity{};
  return as_corrupt(os::file_identity(map_.fd()));
}

Status ModelFile::check_unchanged() const {
  if (path_.empty()) return {};
  const Status same = map_.check_unchanged();
  if (same) return {};
  return make_error(ErrorCode::model_corrupt, "the model '{}' was changed while it was used: {}",
                    path_, same.error().message)
      .with_hint("put the file back as it was, and try again when nobody writes to it");
}

// Not of the mapping: of a large model only the pages are to be in memory that are needed there.
Result<std::string> ModelFile::digest() const {
  if (path_.empty()) return sha256_hex(bytes_);
  return read_unchanged(*this, [this] { return as_corrupt(hash_file(map_.fd())); });
}

std::string ModelFile::path_for_others() const {
  if (path_.empty()) return {};
  const auto there = os::file_identity(path_);
  if (there && os::is_same_file(*there, identity())) return path_;
  return fmt::format("/proc/{}/fd/{}", os::process_id(), map_.fd().get());
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
