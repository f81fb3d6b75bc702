#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace runed::bootstrap {

/// What a header `Content-Range` tells: `bytes 5-9/10`, with `*` for what is not told.
/// Source: RFC 9110, section 14.4.
struct ContentRange {
  std::optional<uint64_t> start;
  std::optional<uint64_t> total;
};
ContentRange parse_content_range(std::string_view text);

}  // namespace runed::bootstrap
