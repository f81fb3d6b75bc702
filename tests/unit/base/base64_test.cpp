#include "base/base64.hpp"

#include "support/catch.hpp"

using runed::decode_base64;

TEST_CASE("base64 is decoded with its padding") {
  // Source: RFC 4648, section 10.
  CHECK(decode_base64("") == "");
  CHECK(decode_base64("Zg==") == "f");
  CHECK(decode_base64("Zm8=") == "fo");
  CHECK(decode_base64("Zm9v") == "foo");
  CHECK(decode_base64("Zm9vYmFy") == "foobar");
  CHECK(decode_base64("+/+/") == "\xfb\xff\xbf");
}

TEST_CASE("what is not base64 is refused") {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg= ", " Zg==", "Zm9v\n", "Z-9v", "Zg==Zg==", "====",
                           "Z===", "Zm=v"}) {
    CAPTURE(text);
    CHECK_FALSE(decode_base64(text).has_value());
  }
}
