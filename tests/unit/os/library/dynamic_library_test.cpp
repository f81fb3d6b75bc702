#include "os/library/dynamic_library.hpp"

#include "support/catch.hpp"
#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::os::DynamicLibrary;
using runed::test::unwrap;
using runed::test::unwrap_error;

TEST_CASE("a function of a loaded library can be called") {
  const auto library = unwrap(DynamicLibrary::load("libz.so.1", "zlib1g"));
  unsigned long (*crc32)(unsigned long, const unsigned char*, unsigned) = nullptr;
  unwrap(library.bind(crc32, "crc32"));
  // Source: the check value of CRC-32/ISO-HDLC.
  CHECK(crc32(0, reinterpret_cast<const unsigned char*>("123456789"), 9) == 0xCBF43926);
}

TEST_CASE("a library that is not there is told with its package") {
  const auto error = unwrap_error(DynamicLibrary::load("libnone.so.7", "libnone7"));
  CHECK(error.code == ErrorCode::not_found);
  CHECK(error.message.find("cannot load 'libnone.so.7'") == 0);
  CHECK(error.hint == "install the package libnone7");
}

TEST_CASE("a function that a library lacks is told") {
  const auto library = unwrap(DynamicLibrary::load("libz.so.1", "zlib1g"));
  void (*missing)() = nullptr;
  CHECK(unwrap_error(library.bind(missing, "no_such_function")).message ==
        "'libz.so.1' has no function 'no_such_function'");
}
