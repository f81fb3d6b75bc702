#pragma once

#include <optional>
#include <string_view>

namespace runed {

/// An encoding of Unicode whose units are of more than a byte.
struct WideEncoding {
  std::string_view name;  // As iconv spells it: `UTF-16LE`; `UTF-16` where a mark tells the order.
  bool has_mark = false;
};

/// Finds the encoding of a text in UTF-16 or UTF-32, by its byte order mark or, without one, by
/// where its bytes are NULs and whether letters come of it. `text` may end within a unit.
std::optional<WideEncoding> find_wide_encoding(std::string_view text);

}  // namespace runed
