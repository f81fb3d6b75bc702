#include "base/sha256.hpp"

#include "support/catch.hpp"

// Source: FIPS 180-4 examples (NIST, SHA_All.pdf).
TEST_CASE("SHA-256 gives the published digests") {
  CHECK(runed::sha256_hex("abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(runed::sha256_hex("") ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("SHA-256 does not depend on how the bytes arrive") {
  runed::Sha256 hash;
  for (const char c : std::string("abc")) hash.update(std::as_bytes(std::span(&c, 1)));
  CHECK(hash.finish() == runed::sha256_hex("abc"));
}
