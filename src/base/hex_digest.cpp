#include "base/hex_digest.hpp"

namespace runed {
namespace {

constexpr size_t kSha256Digits = 64;

}  // namespace

bool is_sha256_hex(std::string_view text) {
  return text.size() == kSha256Digits &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

}  // namespace runed
