#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

namespace runed::test {

/// Writes tars for tests, right ones and such as no program would write.
class TarBuilder {
 public:
  /// The fields of a header that are not always the same.
  struct Header {
    std::string name;
    char type = '0';
    unsigned mode = 0644;
    std::string target;      // Of links.
    std::string size_field;  // In octal; empty: that of the content.
  };

  TarBuilder& add(const Header& header, std::string_view content = {}) {
    bytes_ += header_block(header, content.size());
    bytes_ += content;
    bytes_.resize((bytes_.size() + kBlock - 1) / kBlock * kBlock);
    return *this;
  }
  TarBuilder& file(std::string_view name, std::string_view content, unsigned mode = 0644) {
    return add({.name = std::string(name), .type = '0', .mode = mode}, content);
  }
  TarBuilder& directory(std::string_view name, unsigned mode = 0755) {
    return add({.name = std::string(name), .type = '5', .mode = mode});
  }
  TarBuilder& link(std::string_view name, std::string_view target) {
    return add({.name = std::string(name), .type = '2', .target = std::string(target)});
  }
  TarBuilder& hard_link(std::string_view name, std::string_view target) {
    return add({.name = std::string(name), .type = '1', .target = std::string(target)});
  }
  /// Adds a pax header for the next entry, of records `<key>=<value>`.
  TarBuilder& pax(std::initializer_list<std::string_view> records) {
    std::string content;
    for (const std::string_view record : records) {
      size_t length = record.size() + 3;
      while (record.size() + 2 + std::to_string(length).size() != length) ++length;
      content += fmt::format("{} {}\n", length, record);
    }
    return add({.name = "pax", .type = 'x'}, content);
  }
  /// Adds the long name of the next entry as GNU tar does.
  TarBuilder& gnu_long_name(std::string_view name) {
    return add({.name = "././@LongLink", .type = 'L'}, std::string(name) + '\0');
  }

  /// Returns the tar without the marker at its end.
  const std::string& unfinished() const { return bytes_; }
  std::string build() const { return bytes_ + std::string(2 * kBlock, '\0'); }

 private:
  static constexpr size_t kBlock = 512;

  static std::string header_block(const Header& header, size_t size_bytes) {
    std::string block(kBlock, '\0');
    const auto put = [&block](size_t offset, std::string_view text) {
      block.replace(offset, text.size(), text);
    };
    put(0, std::string_view(header.name).substr(0, 100));
    put(100, fmt::format("{:07o}", header.mode));
    put(108, "0000000");
    put(116, "0000000");
    put(124, header.size_field.empty() ? fmt::format("{:011o}", size_bytes) : header.size_field);
    put(136, "00000000000");
    put(148, "        ");
    block[156] = header.type;
    put(157, std::string_view(header.target).substr(0, 100));
    put(257, std::string_view("ustar\00000", 8));
    unsigned sum = 0;
    for (const char c : block) sum += static_cast<unsigned char>(c);
    put(148, fmt::format("{:06o}", sum) + '\0');
    return block;
  }

  std::string bytes_;
};

}  // namespace runed::test
