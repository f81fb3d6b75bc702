#include "embed/tokenizer/utf8_check.hpp"

#include "base/text.hpp"

namespace runed::embed {

Status check_utf8(std::string_view text) {
  if (const std::optional<size_t> offset = find_invalid_utf8(text)) {
    return make_error(ErrorCode::not_utf8, "text is not UTF-8 at byte {}", *offset)
        .with(fact::kByteOffset, *offset);
  }
  return {};
}

}  // namespace runed::embed
