#include "base/hex_digest.hpp"

#include <string>

#include "support/catch.hpp"

using runed::is_sha256_hex;

TEST_CASE("a SHA-256 is 64 hex digits, in any case") {
  const std::string digest = std::string(32, 'a') + std::string(31, 'F') + "0";
  CHECK(is_sha256_hex(digest));
  CHECK_FALSE(is_sha256_hex(digest.substr(1)));
  CHECK_FALSE(is_sha256_hex(digest + "0"));
  CHECK_FALSE(is_sha256_hex(digest.substr(1) + "g"));
  CHECK_FALSE(is_sha256_hex(""));
}
