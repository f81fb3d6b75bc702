#include "bootstrap/fetch/partial_file.hpp"

#include "base/json.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::sha256_hex;
using runed::bootstrap::PartialFile;
using runed::bootstrap::PieceOrigin;
using runed::bootstrap::Watch;
using runed::test::mode_of;
using runed::test::read_text;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

namespace {

const std::string kWanted(64, 'a');
const PieceOrigin kOrigin{"http://h/f", "\"v1\"", "Sat, 21 Nov 2026 08:00:00 GMT"};

PartialFile open(const TempDir& dir, const std::string& sha256 = kWanted) {
  return unwrap(PartialFile::open(dir / "f", sha256, Watch{}));
}

void add(PartialFile& partial, std::string_view text) {
  unwrap(partial.append(std::as_bytes(std::span(text))));
}

bool is_empty(const TempDir& dir) {
  return std::filesystem::is_empty(dir.path());
}

}  // namespace

TEST_CASE("committed bytes are at the path, private, and nothing is beside them") {
  const TempDir dir;
  auto partial = open(dir);
  unwrap(partial.begin_piece(kOrigin));
  add(partial, "some ");
  add(partial, "bytes");
  CHECK(mode_of(dir / "f.partial") == 0600);
  CHECK_FALSE(partial.is_mixed());
  CHECK(partial.finish_digest() == sha256_hex("some bytes"));
  unwrap(partial.commit());
  CHECK(read_text(dir / "f") == "some bytes");
  CHECK(mode_of(dir / "f") == 0600);
  CHECK_FALSE(std::filesystem::exists(dir / "f.partial"));
  CHECK_FALSE(std::filesystem::exists(dir / "f.partial.json"));
}

TEST_CASE("the next process finds the bytes, their digest and their origin") {
  const TempDir dir;
  {
    auto partial = open(dir);
    unwrap(partial.begin_piece(kOrigin));
    add(partial, "some ");
  }
  uint64_t hashed = 0;
  const Watch watch{.on_progress = [&](uint64_t done, uint64_t) { hashed = done; }};
  auto partial = unwrap(PartialFile::open(dir / "f", kWanted, watch));
  CHECK(hashed == 5);
  CHECK(partial.size_bytes() == 5);
  CHECK(partial.origin() == kOrigin);
  CHECK(partial.is_mixed());
  add(partial, "bytes");
  CHECK(partial.finish_digest() == sha256_hex("some bytes"));
}

TEST_CASE("the origin is remembered before the first byte") {
  const TempDir dir;
  auto partial = open(dir);
  unwrap(partial.begin_piece(kOrigin));
  CHECK(mode_of(dir / "f.partial.json") == 0600);
  const auto document = unwrap(runed::parse_json(read_text(dir / "f.partial.json")));
  CHECK(document["url"] == kOrigin.url);
  CHECK(document["etag"] == kOrigin.etag);
  CHECK(document["last_modified"] == kOrigin.last_modified);
  CHECK(document["sha256"] == kWanted);
}

TEST_CASE("bytes for another digest are thrown away") {
  const TempDir dir;
  {
    auto partial = open(dir);
    unwrap(partial.begin_piece(kOrigin));
    add(partial, "some ");
  }
  auto partial = open(dir, std::string(64, 'b'));
  CHECK(partial.size_bytes() == 0);
  CHECK_FALSE(partial.origin().has_value());
  CHECK(read_text(dir / "f.partial").empty());
}

TEST_CASE("bytes of which nothing sensible is known are thrown away") {
  for (const char* text : {"", "{", "[]", "7", "{\"sha256\":7}", "{\"url\":\"http://h/f\"}"}) {
    CAPTURE(text);
    const TempDir dir;
    write_text(dir / "f.partial", "some ");
    write_text(dir / "f.partial.json", text);
    CHECK(open(dir).size_bytes() == 0);
  }
  const TempDir dir;
  write_text(dir / "f.partial", "some ");
  CHECK(open(dir).size_bytes() == 0);
}

TEST_CASE("more bytes than the file can have are thrown away, and not hashed") {
  const TempDir dir;
  {
    auto partial = open(dir);
    unwrap(partial.begin_piece(kOrigin));
    add(partial, "some bytes");
  }
  std::filesystem::resize_file(dir / "f.partial", uint64_t{100} << 30);
  int hashed = 0;
  const Watch watch{
      .is_cancelled = {}, .on_progress = [&](uint64_t, uint64_t) { ++hashed; }, .on_event = {}};
  CHECK(unwrap(PartialFile::open(dir / "f", kWanted, watch, 1'000'000)).size_bytes() == 0);
  CHECK(hashed == 0);
}

TEST_CASE("bytes that were thrown away leave no files") {
  const TempDir dir;
  {
    auto partial = open(dir);
    unwrap(partial.begin_piece(kOrigin));
    add(partial, "some ");
    unwrap(partial.restart());
    CHECK_FALSE(partial.origin().has_value());
  }
  CHECK(is_empty(dir));
}

TEST_CASE("a restart hashes anew and takes another origin") {
  const TempDir dir;
  auto partial = open(dir);
  unwrap(partial.begin_piece(kOrigin));
  add(partial, "wrong");
  unwrap(partial.restart());
  unwrap(partial.begin_piece({"http://mirror/f", "", ""}));
  add(partial, "right");
  CHECK_FALSE(partial.is_mixed());
  CHECK(read_text(dir / "f.partial") == "right");
  CHECK(partial.finish_digest() == sha256_hex("right"));
}

TEST_CASE("hashing what is there can be cancelled and leaves it there") {
  const TempDir dir;
  {
    auto partial = open(dir);
    unwrap(partial.begin_piece(kOrigin));
    add(partial, "some ");
  }
  const Watch watch{.is_cancelled = [] { return true; }};
  const auto error = unwrap_error(PartialFile::open(dir / "f", kWanted, watch));
  CHECK(error.code == ErrorCode::cancelled);
  CHECK(read_text(dir / "f.partial") == "some ");
}

TEST_CASE("a partial file that cannot be made says so") {
  const TempDir dir;
  const auto missing = unwrap_error(PartialFile::open(dir / "none/f", kWanted, Watch{}));
  CHECK(missing.code == ErrorCode::not_found);
  CHECK(missing.message ==
        "cannot open '" + (dir / "none/f.partial") + "': no such file or directory");
  std::filesystem::create_directory(dir / "g.partial");
  const auto blocked = unwrap_error(PartialFile::open(dir / "g", kWanted, Watch{}));
  CHECK(blocked.message ==
        "cannot open '" + (dir / "g.partial") + "': it is a directory, not a regular file");
}

TEST_CASE("a link in the place of a partial file is not followed") {
  const TempDir dir;
  write_text(dir / "precious", "precious");
  std::filesystem::create_symlink("precious", dir / "f.partial");
  const auto error = unwrap_error(PartialFile::open(dir / "f", kWanted, Watch{}));
  CHECK(error.code == ErrorCode::io);
  CHECK(error.message ==
        "cannot open '" + (dir / "f.partial") + "': it is a symbolic link, not a regular file");
  CHECK(error.hint.starts_with("run: mv "));
  CHECK(read_text(dir / "precious") == "precious");
}

TEST_CASE("while one fetches to a path nobody else can") {
  const TempDir dir;
  auto partial = open(dir);
  const auto error = unwrap_error(PartialFile::open(dir / "f", kWanted, {}));
  CHECK(error.code == ErrorCode::bootstrapping);
  CHECK(error.message == "another process is fetching '" + (dir / "f") + "'");
}

TEST_CASE("bytes that somebody else changed on the way are not committed") {
  const TempDir dir;
  auto partial = open(dir);
  unwrap(partial.begin_piece(kOrigin));
  add(partial, "some bytes");
  std::filesystem::resize_file(dir / "f.partial", 3);
  CHECK(unwrap_error(partial.commit()).code == ErrorCode::integrity);
  CHECK_FALSE(std::filesystem::exists(dir / "f"));
}
