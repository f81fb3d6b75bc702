#include "bootstrap/archive/archive_stream.hpp"

#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/check.hpp"

namespace runed::bootstrap {
namespace {

constexpr size_t kBlockBytes = size_t{64} * 1024;

// zlib's way to ask for a gzip wrapper, with the largest window. Source: zlib.h, inflateInit2.
constexpr int kGzipWindow = 15 + 16;

bool starts_with(std::span<const std::byte> bytes, std::string_view magic) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())
      .starts_with(magic);
}

bool is_gzip(std::span<const std::byte> bytes) {
  return starts_with(bytes, "\x1f\x8b");
}

ArchiveStream::Format format_of(std::span<const std::byte> file) {
  if (is_gzip(file)) return ArchiveStream::Format::tar_gz;
  return starts_with(file, "PK\3\4") ? ArchiveStream::Format::zip : ArchiveStream::Format::tar;
}

}  // namespace

struct ArchiveStream::Inflater {
  Inflater() { CHECK(::inflateInit2(&stream, kGzipWindow) == Z_OK); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { ::inflateEnd(&stream); }

  z_stream stream{};
  std::array<std::byte, kBlockBytes> block{};
  bool ended = false;
};

ArchiveStream::ArchiveStream(os::MappedFile file)
    : file_(std::move(file)), format_(format_of(file_.bytes())) {
  if (format_ == Format::tar_gz) inflater_ = std::make_unique<Inflater>();
}
ArchiveStream::ArchiveStream(ArchiveStream&&) noexcept = default;
ArchiveStream::~ArchiveStream() = default;

Result<ArchiveStream> ArchiveStream::open(const std::string& path) {
  TRY_ASSIGN(os::MappedFile file, os::MappedFile::open(path));
  return ArchiveStream(std::move(file));
}

Result<std::span<const std::byte>> ArchiveStream::next() {
  std::span<const std::byte> block;
  if (inflater_) {
    TRY_ASSIGN(block, inflate());
  } else {
    const auto rest = file().subspan(file_bytes_read_);
    block = rest.first(std::min(rest.size(), kBlockBytes));
    file_bytes_read_ += block.size();
  }
  const auto not_zero = [](std::byte byte) { return byte != std::byte{0}; };
  const auto zeros = std::find_if(block.rbegin(), block.rend(), not_zero);
  if (zeros != block.rend()) {
    zeros_begin_ = bytes_returned_ + static_cast<uint64_t>(block.rend() - zeros);
  }
  bytes_returned_ += block.size();
  return block;
}

Status ArchiveStream::check_unchanged() const {
  const Status same = file_.check_unchanged();
  if (same) return {};
  return make_error(ErrorCode::integrity, "it was changed while it was read: {}",
                    same.error().message);
}

Result<std::span<const std::byte>> ArchiveStream::inflate() {
  z_stream& stream = inflater_->stream;
  auto& block = inflater_->block;
  size_t size = 0;
  while (size == 0 && !inflater_->ended) {
    // A slice at a time, since zlib counts in 32 bits.
    const auto rest = file().subspan(file_bytes_read_);
    const auto input = rest.first(std::min(rest.size(), kBlockBytes));
    stream.next_in = reinterpret_cast<const Bytef*>(input.data());
    stream.avail_in = static_cast<uInt>(input.size());
    stream.next_out = reinterpret_cast<Bytef*>(block.data());
    stream.avail_out = static_cast<uInt>(block.size());
    const int answer = ::inflate(&stream, Z_NO_FLUSH);
    file_bytes_read_ += input.size() - stream.avail_in;
    size = block.size() - stream.avail_out;
    if (answer == Z_STREAM_END) {
      TRY(end_member());
    } else if (answer == Z_BUF_ERROR && input.empty()) {
      return make_error(ErrorCode::integrity, "the gzip stream is cut short");
    } else if (answer != Z_OK) {
      return make_error(ErrorCode::integrity, "the gzip stream is damaged: {}",
                        stream.msg != nullptr ? stream.msg : "unknown format");
    }
  }
  return std::span<const std::byte>(block).first(size);
}

// A gzip file may be several streams in a row (RFC 1952, section 2.2), and nothing else.
Status ArchiveStream::end_member() {
  const auto rest = file().subspan(file_bytes_read_);
  if (rest.empty()) {
    inflater_->ended = true;
  } else if (is_gzip(rest)) {
    CHECK(::inflateReset(&inflater_->stream) == Z_OK);
  } else {
    return make_error(ErrorCode::integrity, "{} bytes follow the end of the gzip stream",
                      rest.size());
  }
  return {};
}

}  // namespace runed::bootstrap
