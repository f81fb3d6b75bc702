#include "os/file/file_reader.hpp"

#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::os::FileReader;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

TEST_CASE("a file is read in blocks, to its last byte") {
  const TempDir dir;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{1} << 20, (size_t{3} << 20) + 7}) {
    std::string content(size, '\0');
    for (size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 31 + i / 4096);
    write_text(dir / "file", content);
    FileReader file = unwrap(FileReader::open(dir / "file"));
    CHECK(file.size_bytes() == size);
    std::string seen;
    while (true) {
      const auto block = unwrap(file.next());
      if (block.empty()) break;
      seen.append(reinterpret_cast<const char*>(block.data()), block.size());
    }
    CHECK(seen == content);
  }
}

TEST_CASE("what is not a file is not read") {
  const TempDir dir;
  CHECK(unwrap_error(FileReader::open(dir / "none")).code == ErrorCode::not_found);
  CHECK(unwrap_error(FileReader::open(dir.path())).message ==
        "cannot open '" + dir.path() + "': it is a directory, not a regular file");
}
