#include "bootstrap/archive/tar_writer.hpp"

#include <cstdlib>
#include <utility>

#include "bootstrap/archive/unpack.hpp"
#include "support/change_file.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::bootstrap::TarEntry;
using runed::bootstrap::unpack;
using runed::bootstrap::Watch;
using runed::bootstrap::write_tar;
using runed::test::mode_of;
using runed::test::read_text;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;
namespace fs = std::filesystem;

TEST_CASE("a tar holds what files and strings held, for us and for tar") {
  const TempDir dir;
  const std::string content = fmt::format("{}end", std::string(3'000'000, 'm'));
  const std::string long_name = fmt::format("{:a>60}/{:b>60}/f", "", "");
  write_text(dir / "model", content);
  write_text(dir / "empty", "");
  unwrap(write_tar(dir / "x.tar",
                   {{.name = "models/m.gguf", .content_path = dir / "model"},
                    {.name = "manifest.json", .content = "{}"},
                    {.name = "models/empty", .content_path = dir / "empty"},
                    {.name = long_name, .content = "long"}},
                   {}));
  fs::create_directory(dir / "ours");
  fs::create_directory(dir / "theirs");
  unwrap(unpack(dir / "x.tar", dir / "ours", {}, {}));
  REQUIRE(std::system(("tar -xf " + dir / "x.tar" + " -C " + dir / "theirs").c_str()) == 0);
  for (const std::string& out : {dir / "ours/", dir / "theirs/"}) {
    CHECK(read_text(out + "models/m.gguf") == content);
    CHECK(read_text(out + "manifest.json") == "{}");
    CHECK(fs::file_size(out + "models/empty") == 0);
    CHECK(read_text(out + long_name) == "long");
    CHECK(mode_of(out + "models") == 0700);
    CHECK(mode_of(out + "models/m.gguf") == 0600);
  }
}

TEST_CASE("the same entries give the same bytes, in whole blocks") {
  const TempDir dir;
  const std::vector<TarEntry> entries{{.name = "a/b", .content = "1"}, {.name = "a/c"}};
  unwrap(write_tar(dir / "1.tar", entries, {}));
  unwrap(write_tar(dir / "2.tar", entries, {}));
  const std::string tar = read_text(dir / "1.tar");
  CHECK(tar == read_text(dir / "2.tar"));
  CHECK(tar.size() == size_t{6} * 512);  // Three headers, one block of content, two at the end.
  CHECK(mode_of(dir / "1.tar") == 0600);
}

TEST_CASE("a tar that cannot be written whole is not there") {
  const TempDir dir;
  write_text(dir / "x.tar", "old");
  const auto missing =
      unwrap_error(write_tar(dir / "x.tar", {{.name = "m", .content_path = dir / "none"}}, {}));
  CHECK(missing.code == ErrorCode::not_found);
  CHECK(missing.message == "cannot inspect '" + (dir / "none") + "': no such file or directory");

  int questions = 0;
  const Watch watch{.is_cancelled = [&] { return ++questions > 3; }};
  const std::vector<TarEntry> large{{.name = "m", .content = std::string(8 << 20, 'x')}};
  const auto cancelled = unwrap_error(write_tar(dir / "x.tar", large, watch));
  CHECK(cancelled.code == ErrorCode::cancelled);
  CHECK(cancelled.message == "cannot write '" + (dir / "x.tar") + "': cancelled");
  CHECK(read_text(dir / "x.tar") == "old");
  CHECK(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("progress counts the bytes of the files") {
  const TempDir dir;
  uint64_t last = 0;
  const Watch watch{.on_progress = [&](uint64_t done, uint64_t total) {
    CHECK(done > last);
    CHECK(total == 3'000'002);
    last = done;
  }};
  unwrap(write_tar(
      dir / "x.tar",
      {{.name = "a", .content = std::string(3'000'000, 'x')}, {.name = "b", .content = "12"}},
      watch));
  CHECK(last == 3'000'002);
}

TEST_CASE("a file that is cut short or written to while it is copied gives no tar") {
  const TempDir dir;
  const std::string path = dir / "model";
  for (const bool is_cut : {true, false}) {
    write_text(path, std::string(3'000'000, 'm'));
    bool is_changed = false;
    const Watch changing{.on_progress = [&](uint64_t, uint64_t) {
      if (std::exchange(is_changed, true)) return;
      if (is_cut) fs::resize_file(path, 5000);
      if (!is_cut) runed::test::overwrite(path, "other");
    }};
    const auto error = unwrap_error(
        write_tar(dir / "x.tar", {{.name = "m", .content_path = path, .content = {}}}, changing));
    CHECK(error.code == ErrorCode::io);
    CHECK(error.message == "'" + path + "' was changed while it was read: " +
                               (is_cut ? "its size is 5000 bytes now, and was 3000000"
                                       : "it was written to"));
    CHECK_FALSE(fs::exists(dir / "x.tar"));
  }
}
