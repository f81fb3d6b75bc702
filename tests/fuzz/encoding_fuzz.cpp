// Any bytes as an input: something is said of those that are not UTF-8, and of those that are
// nothing without a NUL.
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"

namespace {

void check(const runed::Encoding& encoding) {
  CHECK(!encoding.name.empty());
  CHECK(!encoding.advice.empty());
  CHECK(encoding.command.empty() || encoding.advice.ends_with(", with: " + encoding.command));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto foreign = runed::find_foreign_content(bytes);
  if (foreign) check(*foreign);
  const auto fault = runed::find_invalid_utf8(bytes);
  if (!fault) {
    CHECK(!foreign || bytes.find('\0') != std::string_view::npos);
    return 0;
  }
  check(runed::describe_encoding(bytes));
  check(runed::describe_text(bytes, *fault, runed::Extent::begin));
  return 0;
}
