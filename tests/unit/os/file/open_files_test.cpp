#include "os/file/open_files.hpp"

#include "os/file/fd.hpp"
#include "os/file/mapped_file.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

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
  CHECK(open_files_below({dir.path()}) == std::set<std::string>{dir / "mapped", dir / "open"});
}
