#include "embed/model/served_file.hpp"

#include <utility>

namespace runed::embed {

Result<std::shared_ptr<const ModelFile>> ServedFile::open() {
  if (sha256_.empty()) return open_first();
  if (file_ != nullptr && check()) return file_;
  return open_again();
}

Result<std::shared_ptr<const ModelFile>> ServedFile::open_first() {
  TRY_ASSIGN(auto file, ModelFile::open(options_.source));
  TRY_ASSIGN(sha256_,
             identify(*file, options_.sha256, options_.file, options_.promised_sha256));
  identity_ = file->identity();
  size_bytes_ = file->size_bytes();
  file_ = std::move(file);
  return file_;
}

Result<std::shared_ptr<const ModelFile>> ServedFile::open_again() {
  file_.reset();
  TRY_ASSIGN(auto file, ModelFile::open(options_.source));
  const os::FileIdentity& identity = file->identity();
  if (identity == refused_) return refuse(why_refused_);
  if (file->size_bytes() != size_bytes_) {
    return refuse(fmt::format("its size is {} bytes, not {}", file->size_bytes(), size_bytes_));
  }
  TRY_ASSIGN(const std::string found, file->digest());
  if (found != sha256_) {
    refused_ = identity;
    why_refused_ = fmt::format("its SHA-256 is {}, not {}", found, sha256_);
    return refuse(why_refused_);
  }
  identity_ = identity;
  file_ = std::move(file);
  return file_;
}

Error ServedFile::refuse(const std::string& why) const {
  return make_error(ErrorCode::model_corrupt, "the model '{}' was replaced: {}",
                    options_.source.path, why)
      .with_hint("put the file back as it was");
}

void ServedFile::forget() {
  file_.reset();
  sha256_.clear();
}

uint64_t ServedFile::size_bytes() const {
  return file_ == nullptr ? 0 : file_->size_bytes();
}

void ServedFile::release_pages() const {
  if (file_ != nullptr) file_->release_pages();
}

std::string ServedFile::path_for_others() const {
  return file_->path_for_others();
}

Status ServedFile::check() {
  TRY(check_unchanged());
  if (file_ == nullptr) return {};
  TRY_ASSIGN(const os::FileIdentity now, file_->current_identity());
  if (now == identity_) return {};
  // Renamed over, linked, or its mode was changed; or overwritten, and its time set back.
  TRY_ASSIGN(const std::string found, file_->digest());
  if (found != sha256_) return refuse(fmt::format("its SHA-256 is {}, not {}", found, sha256_));
  identity_ = now;  // If it changes again, even while it was read, that is another time.
  return {};
}

Status ServedFile::check_unchanged() const {
  if (file_ == nullptr) return {};
  return file_->check_unchanged();
}

}  // namespace runed::embed
