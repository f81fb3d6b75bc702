#include "os/file/open_files.hpp"

#include <filesystem>

#include "os/file/fd.hpp"
#include "os/file/mapped_file.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::os::is_among;
using runed::os::open_files_below;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::write_text;

TEST_CASE("files that are open or mapped are found, others are not") {
  const TempDir dir;
  write_text(dir / "open", "x");
  write_text(dir / "mapped", "x");
  write_text(dir / "idle", "x");
  CHECK(open_files_below({dir.path()}).empty());
  const auto open = unwrap(runed::os::open_fd(dir / "open", 0));
  const auto mapped = unwrap(runed::os::MappedFile::open(dir / "mapped"));
  const auto found = open_files_below({dir.path()});
  CHECK(found == std::set<std::string>{dir / "mapped", dir / "open"});
  std::filesystem::create_symlink(dir / "open", dir / "link");
  CHECK(is_among(found, dir / "link"));
  CHECK(is_among(found, dir.path()));
  CHECK_FALSE(is_among(found, dir / "idle"));
}
