#include "base/file_kind.hpp"

#include <string>

#include "support/catch.hpp"

using runed::find_file_kind;
using namespace std::string_view_literals;

namespace {

std::string name_of(std::string_view begin) {
  const auto kind = find_file_kind(begin);
  return kind ? std::string(kind->name) : "text";
}

}  // namespace

TEST_CASE("files that are no text are known by how they begin") {
  CHECK(name_of("\x1F\x8B\x08\0\0\0\0\0"sv) == "gzip data");
  CHECK(name_of("\x28\xB5\x2F\xFD\x04"sv) == "zstd data");
  CHECK(name_of("\xFD\x37zXZ\0\0"sv) == "xz data");
  CHECK(name_of("BZh91AY&SY\xD1"sv) == "bzip2 data");
  CHECK(name_of("PK\3\4\x14\0\0\0"sv).starts_with("a ZIP archive"));
  CHECK(name_of("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n"sv) == "a PDF document");
  CHECK(name_of("\x89PNG\r\n\x1A\n\0"sv) == "a PNG image");
  CHECK(name_of("SQLite format 3\0\x10\0"sv) == "an SQLite database");
  CHECK(name_of("\x93NUMPY\x01\0v\0"sv) == "a NumPy array");
  CHECK(name_of("GGUF\x03\0\0\0"sv) == "a GGUF model");
  CHECK(name_of("\x7F" "ELF\x02\x01\x01\0"sv) == "an executable");
  CHECK(name_of(std::string("name.txt").append(249, '\0') + "ustar  ") == "a tar archive");
}

TEST_CASE("a text may begin with the letters of a file") {
  for (const auto text : {"%PDF-1.7 is a version", "GGUF is a format", "BZh91AY&SY", "RIFF, RAFF",
                          "GIF89a", "PAR1", "ARROW1", "SQLite format 3", "PK\3\4", "", "x"}) {
    CHECK(name_of(text) == "text");
  }
  // Not even one that is no UTF-8.
  CHECK(name_of("GGUF \x96 a format") == "text");
}

TEST_CASE("what is packed comes with what unpacks it, all else with what to do") {
  CHECK(find_file_kind("\x1F\x8B\x08")->command == "gzip -dc");
  CHECK(find_file_kind("\x1F\x8B\x08")->advice.empty());
  CHECK(find_file_kind("\x89PNG\r\n\x1A\n")->command.empty());
  CHECK_FALSE(find_file_kind("\x89PNG\r\n\x1A\n")->advice.empty());
}
