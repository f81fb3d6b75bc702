#include "daemon/route/centroid_file.hpp"

#include <array>
#include <bit>
#include <cstring>

#include "base/sha256.hpp"
#include "base/text.hpp"
#include "os/file/atomic_file.hpp"
#include "os/file/files.hpp"

namespace runed::daemon {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they are");

constexpr std::string_view kMagic = "RUNEDCS\n";
constexpr uint32_t kFormat = 1;
constexpr size_t kNumbers = 5;
constexpr size_t kHeadBytes = 28;
constexpr size_t kDigestBytes = 64;
constexpr size_t kMostFileBytes = kHeadBytes + kMostVersionBytes + kMostPresetBytes +
                                  kMostCentroidFloats * sizeof(float) + kDigestBytes;
static_assert(kHeadBytes == kMagic.size() + kNumbers * sizeof(uint32_t));

template <typename T>
std::string_view chars_of(std::span<const T> values) {
  const auto bytes = std::as_bytes(values);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Error corrupt(std::string_view what) {
  return make_error(ErrorCode::integrity, "route: cache verify: {}", what);
}

struct Head {
  uint32_t dim = 0;
  uint32_t count = 0;
  uint32_t version_bytes = 0;
  uint32_t preset_bytes = 0;

  size_t floats() const { return size_t{count} * dim; }  // Of two 32-bit numbers: no overflow.
};

// Every bound is checked here, so that no number of the file sizes anything on its own.
Result<Head> parse_head(std::string_view bytes) {
  if (bytes.size() < kHeadBytes + kDigestBytes) return corrupt("the file is cut short");
  if (!bytes.starts_with(kMagic)) return corrupt("not a file of centroids");
  std::array<uint32_t, kNumbers> numbers{};
  std::memcpy(numbers.data(), bytes.data() + kMagic.size(), sizeof numbers);
  if (numbers[0] != kFormat) return corrupt(fmt::format("format {} is unknown", numbers[0]));
  const Head head{numbers[1], numbers[2], numbers[3], numbers[4]};
  if (head.dim == 0 || head.count == 0 || head.count > kMostCentroids ||
      head.floats() > kMostCentroidFloats || head.version_bytes > kMostVersionBytes ||
      head.preset_bytes > kMostPresetBytes) {
    return corrupt("a size is out of bounds");
  }
  if (bytes.size() != kHeadBytes + head.version_bytes + head.preset_bytes +
                          head.floats() * sizeof(float) + kDigestBytes) {
    return corrupt("the file has not the size that it tells");
  }
  return head;
}

}  // namespace

Status write_centroid_file(const std::string& path, const CentroidSet& set) {
  const std::array<uint32_t, kNumbers> numbers{kFormat, set.dim(), set.count(),
                                               static_cast<uint32_t>(set.version().size()),
                                               static_cast<uint32_t>(set.preset().size())};
  TRY_ASSIGN(auto file, os::AtomicFile::create(path, 0600));
  Sha256 hash;
  for (const std::string_view part :
       {kMagic, chars_of(std::span<const uint32_t>(numbers)), std::string_view(set.version()),
        std::string_view(set.preset()), chars_of(set.floats())}) {
    hash.update(std::as_bytes(std::span(part)));
    TRY(file.write(part));
  }
  TRY(file.write(hash.finish()));
  return file.commit();
}

Result<CentroidSet> read_centroid_file(const std::string& path) {
  auto bytes = os::read_file(path, kMostFileBytes);
  if (!bytes && bytes.error().code == ErrorCode::bad_input) return corrupt("the file is too large");
  if (!bytes) return std::move(bytes).error();
  return parse_centroid_file(*bytes);
}

Result<CentroidSet> parse_centroid_file(std::string_view bytes) {
  TRY_ASSIGN(const Head head, parse_head(bytes));
  const std::string_view body = bytes.substr(0, bytes.size() - kDigestBytes);
  if (sha256_hex(body) != bytes.substr(body.size())) {
    return corrupt("the content does not match its digest");
  }
  std::string_view rest = body.substr(kHeadBytes);
  const auto take = [&rest](size_t count) {
    const std::string_view part = rest.substr(0, count);
    rest.remove_prefix(count);
    return part;
  };
  CentroidContent content;
  content.dim = head.dim;
  content.count = head.count;
  content.version = take(head.version_bytes);
  content.preset = take(head.preset_bytes);
  if (find_invalid_utf8(content.version).has_value()) return corrupt("the version is not UTF-8");
  content.floats.resize(head.floats());
  std::memcpy(content.floats.data(), rest.data(), rest.size());
  auto set = CentroidSet::make(std::move(content), std::nullopt);
  if (!set) return corrupt(set.error().message);
  return set;
}

}  // namespace runed::daemon
