#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace runed::test {

/// Writes zips of stored entries for tests. Source: APPNOTE.TXT, 4.3 and 4.4.
class ZipBuilder {
 public:
  /// The fields of an entry that are not always the same.
  struct Header {
    std::string name;
    unsigned mode = 0100644;  // As in Unix' stat.
    uint16_t flags = 0;
    uint32_t wrong_checksum = 0;  // Turns bits of the right one.
  };

  ZipBuilder& add(const Header& header, std::string_view content) {
    const auto* bytes = reinterpret_cast<const Bytef*>(content.data());
    const auto size = static_cast<uInt>(content.size());
    const uint32_t checksum = static_cast<uint32_t>(crc32(0, bytes, size)) ^ header.wrong_checksum;
    // Flags to extra length, which both records have.
    const std::string shared = two(header.flags) + two(0) + four(0) + four(checksum) + four(size) +
                               four(size) + two(header.name.size()) + two(0);
    const size_t offset = local_.size();
    local_ += "PK\3\4" + two(20) + shared + header.name + std::string(content);
    constexpr unsigned kUnix = 3 << 8;
    central_ += "PK\1\2" + two(kUnix + 20) + two(20) + shared + two(0) + two(0) + two(0) +
                four(header.mode << 16U) + four(offset) + header.name;
    ++count_;
    return *this;
  }

  std::string build(std::string_view comment = {}) const {
    return local_ + central_ + "PK\5\6" + two(0) + two(0) + two(count_) + two(count_) +
           four(central_.size()) + four(local_.size()) + two(comment.size()) + std::string(comment);
  }

 private:
  static std::string little_endian(uint64_t value, size_t size) {
    std::string bytes;
    for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
    return bytes;
  }
  static std::string two(uint64_t value) { return little_endian(value, 2); }
  static std::string four(uint64_t value) { return little_endian(value, 4); }

  std::string local_;
  std::string central_;
  size_t count_ = 0;
};

}  // namespace runed::test
