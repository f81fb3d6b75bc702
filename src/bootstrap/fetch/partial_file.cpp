#include "bootstrap/fetch/partial_file.hpp"

#include "base/json.hpp"
#include "bootstrap/config/json_document.hpp"
#include "bootstrap/install/hash_file.hpp"
#include "os/file/atomic_file.hpp"
#include "os/file/file_reader.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {
namespace {

constexpr const char* kPartial = ".partial";
constexpr const char* kPartialOrigin = ".partial.json";
constexpr unsigned kPrivate = 0600;
constexpr uint64_t kSyncBytes = uint64_t{32} << 20;  // So that no wait for the disk is long.
constexpr size_t kMaxOriginBytes = size_t{64} << 10;

// What the file says, if it is one of ours and about these bytes.
std::optional<PieceOrigin> find_origin(const std::string& path, const std::string& sha256) {
  const Result<std::string> text = os::read_file(path, kMaxOriginBytes);
  if (!text.has_value()) return std::nullopt;
  const Result<Json> document = parse_json(*text);
  if (!document.has_value() || !document->is_object()) return std::nullopt;
  if (text_of(*document, "sha256") != sha256) return std::nullopt;
  return PieceOrigin{
      .url = text_of(*document, "url"),
      .etag = text_of(*document, "etag"),
      .last_modified = text_of(*document, "last_modified"),
  };
}

}  // namespace

bool is_partial_file(std::string_view name) {
  return name.ends_with(kPartial) || name.ends_with(kPartialOrigin);
}

PartialFile::PartialFile(std::string path, std::string sha256)
    : path_(std::move(path)),
      partial_path_(path_ + kPartial),
      origin_path_(path_ + kPartialOrigin),
      sha256_(std::move(sha256)) {}

Result<PartialFile> PartialFile::open(const std::string& path, const std::string& sha256,
                                      const Watch& watch, uint64_t most_bytes) {
  PartialFile partial(path, sha256);
  TRY_ASSIGN(os::Fd fd, os::open_for_append(partial.partial_path_, kPrivate));
  // Two homes may share a directory of models, and install.lock is one a home.
  TRY_ASSIGN(const bool is_ours, os::try_lock(fd));
  if (!is_ours) {
    return make_error(ErrorCode::bootstrapping, "another process is fetching '{}'", path)
        .with_hint("try again when it has finished");
  }
  partial.fd_ = std::move(fd);
  TRY(partial.load(watch, most_bytes));
  return partial;
}

// An empty file helps nobody. That it cannot be removed harms nobody either.
PartialFile::~PartialFile() {
  if (!fd_.is_open() || size_bytes_ > 0) return;
  static_cast<void>(os::remove_file(partial_path_).has_value());
  static_cast<void>(os::remove_file(origin_path_).has_value());
}

Status PartialFile::load(const Watch& watch, uint64_t most_bytes) {
  TRY_ASSIGN(const os::FileIdentity identity, os::file_identity(fd_));
  size_bytes_ = identity.size_bytes;
  if (size_bytes_ == 0) return {};
  origin_ = find_origin(origin_path_, sha256_);
  if (!origin_.has_value() || size_bytes_ > most_bytes) return restart();
  is_mixed_ = true;
  TRY_ASSIGN(os::FileReader file, os::FileReader::open(fd_));
  TRY_ASSIGN(size_bytes_, hash_into(hash_, std::move(file), watch));
  return {};
}

Status PartialFile::begin_piece(const PieceOrigin& origin) {
  is_mixed_ = size_bytes_ > 0;
  if (origin_ == origin) return {};
  const Json document{
      {"url", origin.url},
      {"etag", origin.etag},
      {"last_modified", origin.last_modified},
      {"sha256", sha256_},
  };
  TRY(os::write_file_atomically(origin_path_, to_line(document), kPrivate));
  origin_ = origin;
  return {};
}

Status PartialFile::append(std::span<const std::byte> bytes) {
  Status written =
      os::write_all(fd_.get(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!written.has_value()) {
    // What was written of it is not in the hash.
    TRY(truncate(size_bytes_));
    return std::move(written).error().in(fmt::format("cannot write '{}'", partial_path_));
  }
  hash_.update(bytes);
  size_bytes_ += bytes.size();
  unsynced_bytes_ += bytes.size();
  if (unsynced_bytes_ < kSyncBytes) return {};
  unsynced_bytes_ = 0;
  if (Status synced = os::sync_data(fd_); !synced) {
    return std::move(synced).error().in(fmt::format("cannot write '{}'", partial_path_));
  }
  return {};
}

Status PartialFile::truncate(uint64_t size_bytes) {
  if (os::truncate_file(fd_, size_bytes)) return {};
  return make_error(ErrorCode::io, "cannot truncate '{}'", partial_path_);
}

Status PartialFile::restart() {
  TRY(truncate(0));
  hash_ = Sha256();
  size_bytes_ = 0;
  origin_.reset();
  is_mixed_ = false;
  return {};
}

Status PartialFile::commit() {
  // The digest is of what was written; what is there must be that, and nothing else.
  TRY_ASSIGN(const os::FileIdentity written, os::file_identity(fd_));
  TRY_ASSIGN(const os::FileIdentity there, os::file_identity(partial_path_));
  if (written != there || there.size_bytes != size_bytes_) {
    return make_error(ErrorCode::integrity, "'{}' was changed while it was being fetched",
                      partial_path_)
        .with_hint("run the command again");
  }
  TRY(os::commit_file(fd_.get(), partial_path_, path_));
  fd_.close();
  return os::remove_file(origin_path_);
}

}  // namespace runed::bootstrap
