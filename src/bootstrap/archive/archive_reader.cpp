#include "bootstrap/archive/archive_reader.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

#include "bootstrap/archive/archive_stream.hpp"
#include "os/library/dynamic_library.hpp"

namespace runed::bootstrap {
namespace {

using Format = ArchiveStream::Format;

// The functions of libarchive that are used here.
struct Libarchive {
  decltype(&::archive_read_new) read_new = nullptr;
  decltype(&::archive_read_free) read_free = nullptr;
  decltype(&::archive_read_support_format_tar) support_tar = nullptr;
  decltype(&::archive_read_support_format_zip_seekable) support_zip = nullptr;
  decltype(&::archive_read_open) read_open = nullptr;
  decltype(&::archive_read_open_memory) open_memory = nullptr;
  decltype(&::archive_read_next_header) next_header = nullptr;
  decltype(&::archive_read_header_position) header_position = nullptr;
  decltype(&::archive_read_data) read_data = nullptr;
  decltype(&::archive_filter_bytes) filter_bytes = nullptr;
  decltype(&::archive_error_string) error_string = nullptr;
  decltype(&::archive_entry_pathname) pathname = nullptr;
  decltype(&::archive_entry_filetype) filetype = nullptr;
  decltype(&::archive_entry_perm) perm = nullptr;
  decltype(&::archive_entry_size) size = nullptr;
  decltype(&::archive_entry_symlink) symlink = nullptr;
  decltype(&::archive_entry_hardlink) hardlink = nullptr;
  decltype(&::archive_entry_is_encrypted) is_encrypted = nullptr;
};

Result<Libarchive> load_libarchive() {
  TRY_ASSIGN(const auto library, os::DynamicLibrary::load("libarchive.so.13", "libarchive13"));
  Libarchive api;
  TRY(library.bind(api.read_new, "archive_read_new"));
  TRY(library.bind(api.read_free, "archive_read_free"));
  TRY(library.bind(api.support_tar, "archive_read_support_format_tar"));
  TRY(library.bind(api.support_zip, "archive_read_support_format_zip_seekable"));
  TRY(library.bind(api.read_open, "archive_read_open"));
  TRY(library.bind(api.open_memory, "archive_read_open_memory"));
  TRY(library.bind(api.next_header, "archive_read_next_header"));
  TRY(library.bind(api.header_position, "archive_read_header_position"));
  TRY(library.bind(api.read_data, "archive_read_data"));
  TRY(library.bind(api.filter_bytes, "archive_filter_bytes"));
  TRY(library.bind(api.error_string, "archive_error_string"));
  TRY(library.bind(api.pathname, "archive_entry_pathname"));
  TRY(library.bind(api.filetype, "archive_entry_filetype"));
  TRY(library.bind(api.perm, "archive_entry_perm"));
  TRY(library.bind(api.size, "archive_entry_size"));
  TRY(library.bind(api.symlink, "archive_entry_symlink"));
  TRY(library.bind(api.hardlink, "archive_entry_hardlink"));
  TRY(library.bind(api.is_encrypted, "archive_entry_is_encrypted"));
  return api;
}

const Result<Libarchive>& libarchive() {
  static const Result<Libarchive> api = load_libarchive();
  return api;
}

// libarchive converts names to the character set of the locale, and ours is C, which has no letter
// past ASCII. For its time this thread has the same locale with UTF-8.
class Utf8Locale {
 public:
  Utf8Locale() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (locale_ != nullptr) before_ = ::uselocale(locale_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;
  ~Utf8Locale() {
    if (locale_ == nullptr) return;
    ::uselocale(before_);
    ::freelocale(locale_);
  }

 private:
  locale_t locale_;
  locale_t before_ = nullptr;
};

std::string text_or_empty(const char* text) {
  return text != nullptr ? text : "";
}

// The end of a zip is a record with the length of the comment behind it; libarchive looks for it
// from the end and does not mind what follows. Source: APPNOTE.TXT, 4.3.16.
bool zip_ends_with_its_record(std::span<const std::byte> file) {
  constexpr size_t kRecordBytes = 22;
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const size_t start = text.rfind("PK\5\6");
  if (start == std::string_view::npos || file.size() - start < kRecordBytes) return false;
  const auto length =
      std::to_integer<size_t>(file[start + 20]) + 256 * std::to_integer<size_t>(file[start + 21]);
  return start + kRecordBytes + length == file.size();
}

}  // namespace

struct ArchiveReader::State {
  State(std::string archive_path, const Libarchive& functions, ArchiveStream archive_stream)
      : path(std::move(archive_path)), api(functions), stream(std::move(archive_stream)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { api.read_free(archive); }

  Error error(std::string_view reason) const {
    return make_error(ErrorCode::integrity, "cannot unpack '{}': {}", path, reason);
  }
  Error last_error() const;
  Status open_archive();
  Status check_end();
  static ssize_t give_bytes(::archive* archive, void* state, const void** bytes);

  std::string path;
  const Libarchive& api;
  ArchiveStream stream;
  Status stream_status;
  ::archive* archive = api.read_new();
};

Error ArchiveReader::State::last_error() const {
  if (!stream_status.has_value()) return error(stream_status.error().message);
  std::string reason = text_or_empty(api.error_string(archive));
  if (reason.empty()) return error("the archive is damaged");
  const auto is_upper = [](char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; };
  // As our errors are written; an abbreviation keeps its case.
  if (reason.ends_with('.')) reason.pop_back();
  if (is_upper(reason[0]) && !(reason.size() > 1 && is_upper(reason[1]))) {
    reason[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(reason[0])));
  }
  return error(reason);
}

ssize_t ArchiveReader::State::give_bytes(::archive* /*archive*/, void* state, const void** bytes) {
  auto& self = *static_cast<State*>(state);
  const auto block = self.stream.next();
  if (!block.has_value()) {
    self.stream_status = block.error();
    return -1;
  }
  *bytes = block->data();
  return static_cast<ssize_t>(block->size());
}

Status ArchiveReader::State::open_archive() {
  if (archive == nullptr) return error("out of memory");
  int opened = ARCHIVE_OK;
  if (stream.format() == Format::zip) {
    if (!zip_ends_with_its_record(stream.file())) {
      return error("the zip is cut short, or something follows it");
    }
    api.support_zip(archive);
    // Its directory is at its end, so it is read from memory and not as a stream.
    opened = api.open_memory(archive, stream.file().data(), stream.file().size());
  } else {
    api.support_tar(archive);
    opened = api.read_open(archive, this, nullptr, &State::give_bytes, nullptr);
  }
  if (opened == ARCHIVE_OK) return {};
  if (!stream_status.has_value()) return last_error();
  return error("it is not a tar, tar.gz or zip");
}

// libarchive is content with a tar that ends after any entry and reads no further than the marker,
// two blocks of zeros. So the rest is read here, up to the checksum of the gzip stream around it.
Status ArchiveReader::State::check_end() {
  constexpr uint64_t kMarkerBytes = 1024;
  constexpr uint64_t kMaxPaddingBytes = uint64_t{1} << 20;  // GNU tar pads to 10 KiB by default.
  const auto marker = static_cast<uint64_t>(api.header_position(archive));
  while (true) {
    const auto block = stream.next();
    if (!block.has_value()) return error(block.error().message);
    if (stream.zeros_begin() > marker || stream.bytes_returned() > marker + kMaxPaddingBytes) {
      return error("something follows the end of the tar");
    }
    if (block->empty()) break;
  }
  if (stream.bytes_returned() < marker + kMarkerBytes) return error("the tar is cut short");
  return {};
}

ArchiveReader::ArchiveReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
ArchiveReader::ArchiveReader(ArchiveReader&&) noexcept = default;
ArchiveReader::~ArchiveReader() = default;

Result<ArchiveReader> ArchiveReader::open(const std::string& path) {
  const auto& api = libarchive();
  if (!api.has_value()) return api.error();
  TRY_ASSIGN(ArchiveStream stream, ArchiveStream::open(path));
  auto state = std::make_unique<State>(path, *api, std::move(stream));
  TRY(state->open_archive());
  return ArchiveReader(std::move(state));
}

Result<std::optional<ArchiveEntry>> ArchiveReader::next() {
  const Libarchive& api = state_->api;
  const Utf8Locale locale;
  archive_entry* entry = nullptr;
  const int answer = api.next_header(state_->archive, &entry);
  if (answer == ARCHIVE_EOF) {
    if (state_->stream.format() != Format::zip) TRY(state_->check_end());
    const Status same = state_->stream.check_unchanged();
    if (!same) return state_->error(same.error().message);
    return std::optional<ArchiveEntry>();
  }
  // A warning too: it is about something in the entry that was not understood.
  if (answer != ARCHIVE_OK) return state_->last_error();
  ArchiveEntry result;
  result.name = text_or_empty(api.pathname(entry));
  result.mode = api.perm(entry);
  result.size_bytes = static_cast<uint64_t>(std::max<int64_t>(0, api.size(entry)));
  result.is_encrypted = api.is_encrypted(entry) != 0;
  if (api.hardlink(entry) != nullptr) {
    result.kind = ArchiveEntry::Kind::hard_link;
    result.target = api.hardlink(entry);
  } else if (api.filetype(entry) == AE_IFLNK) {
    result.kind = ArchiveEntry::Kind::link;
    result.target = text_or_empty(api.symlink(entry));
  } else if (api.filetype(entry) == AE_IFDIR) {
    result.kind = ArchiveEntry::Kind::directory;
  } else if (api.filetype(entry) == AE_IFREG) {
    result.kind = ArchiveEntry::Kind::file;
  }
  return std::optional(std::move(result));
}

Result<size_t> ArchiveReader::read(std::span<std::byte> buffer) {
  const ssize_t count = state_->api.read_data(state_->archive, buffer.data(), buffer.size());
  if (count < 0) return state_->last_error();
  return static_cast<size_t>(count);
}

uint64_t ArchiveReader::file_bytes() const {
  return state_->stream.file().size();
}

uint64_t ArchiveReader::file_bytes_read() const {
  if (state_->stream.format() != Format::zip) return state_->stream.file_bytes_read();
  return static_cast<uint64_t>(std::max<int64_t>(0, state_->api.filter_bytes(state_->archive, -1)));
}

}  // namespace runed::bootstrap
