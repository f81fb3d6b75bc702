#include "bootstrap/archive/unpack.hpp"

#include <sys/stat.h>

#include <functional>
#include <utility>

#include "support/change_file.hpp"
#include "support/gzip.hpp"
#include "support/tar_builder.hpp"
#include "support/unpacked.hpp"
#include "support/zip_builder.hpp"

using runed::ErrorCode;
using runed::bootstrap::UnpackLimits;
using runed::bootstrap::Watch;
using runed::test::gzip;
using runed::test::mode_of;
using runed::test::read_text;
using runed::test::TarBuilder;
using runed::test::TempDir;
using runed::test::Unpacked;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::ZipBuilder;
namespace fs = std::filesystem;

namespace {

// Every path below, with its size, so that two trees can be compared.
size_t bytes_below(const std::string& directory) {
  size_t sum = 0;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) sum += entry.file_size();
  }
  return sum;
}

TarBuilder small_tar() {
  return TarBuilder()
      .directory("./")
      .directory("bin", 0750)
      .file("bin/server", std::string(1500, 's'), 0755)
      .file("empty", "")
      .file("zeros", std::string(1024, '\0'));
}

}  // namespace

TEST_CASE("tar, tar.gz and zip are told by their content") {
  const std::string zip = ZipBuilder()
                              .add({.name = "bin/", .mode = 040750}, "")
                              .add({.name = "bin/server", .mode = 0100755}, std::string(1500, 's'))
                              .add({.name = "empty"}, "")
                              .add({.name = "zeros"}, std::string(1024, '\0'))
                              .build("a comment");
  for (const std::string& archive : {small_tar().build(), gzip(small_tar().build()), zip}) {
    const Unpacked out(archive);
    unwrap(out.status());
    CHECK(read_text(out / "bin/server") == std::string(1500, 's'));
    CHECK(mode_of(out / "bin/server") == 0755);
    CHECK(mode_of(out / "bin") == 0750);
    CHECK(fs::file_size(out / "empty") == 0);
    CHECK(read_text(out / "zeros") == std::string(1024, '\0'));
  }
}

TEST_CASE("what is no archive, or not there, is refused") {
  CHECK(Unpacked(std::string(5000, 'x')).refusal() == "it is not a tar, tar.gz or zip");
  CHECK(Unpacked(gzip("no tar")).refusal() == "it is not a tar, tar.gz or zip");
  CHECK(Unpacked("\xFD"
                 "7zXZ")
            .refusal() == "it is not a tar, tar.gz or zip");
  const TempDir dir;
  const auto error = unwrap_error(runed::bootstrap::unpack(dir / "none", dir.path(), {}, {}));
  CHECK(error.code == ErrorCode::not_found);
}

TEST_CASE("a tar without entries gives an empty directory") {
  unwrap(Unpacked(TarBuilder().build()).status());
}

TEST_CASE("names that leave the directory are refused by name") {
  for (const char* name :
       {"../etc/passwd", "/etc/passwd", "a/../../x", "..", "a/b/../../..", "/"}) {
    CAPTURE(name);
    const Unpacked out(TarBuilder().file("before", "x").file(name, "evil").build());
    CHECK(out.refusal() == "entry '" + std::string(name) + "' leaves the directory");
    const Unpacked zip(ZipBuilder().add({.name = name}, "evil").build());
    CHECK(zip.refusal() == "entry '" + std::string(name) + "' leaves the directory");
  }
}

TEST_CASE("dots that stay inside are part of a name") {
  const Unpacked out(TarBuilder()
                         .file("nested/../x", "1")
                         .file("foo..bar", "2")
                         .file("./a//b/.//c", "3")
                         .file("...", "4")
                         .build());
  unwrap(out.status());
  CHECK(read_text(out / "x") == "1");
  CHECK(read_text(out / "foo..bar") == "2");
  CHECK(read_text(out / "a/b/c") == "3");
  CHECK(read_text(out / "...") == "4");
  CHECK_FALSE(fs::exists(out / "nested"));
}

TEST_CASE("devices, fifos and sockets are refused") {
  for (const char type : {'3', '4', '6'}) {
    CAPTURE(type);
    const Unpacked out(TarBuilder().add({.name = "dev/x", .type = type}).build());
    CHECK(out.refusal() == "entry 'dev/x' is no file, directory or link");
  }
  const Unpacked socket(ZipBuilder().add({.name = "s", .mode = 0140644}, "").build());
  CHECK(socket.refusal() == "entry 's' is no file, directory or link");
}

TEST_CASE("the same name twice is refused, unless both are directories") {
  const Unpacked files(TarBuilder().file("f", "1").file("./f", "2").build());
  CHECK(files.refusal() == "entry 'f' is there twice");
  CHECK(read_text(files / "f") == "1");
  CHECK(Unpacked(TarBuilder().directory("d").file("d", "2").build()).refusal() ==
        "entry 'd' is there twice");
  CHECK(Unpacked(TarBuilder().file("d", "2").directory("d").build()).refusal() ==
        "entry 'd' is there twice");
  const Unpacked directories(
      TarBuilder().file("d/f", "1").directory("d", 0750).directory("d/", 0711).build());
  unwrap(directories.status());
  CHECK(mode_of(directories / "d") == 0711);
}

TEST_CASE("modes keep what is safe, whatever the umask") {
  const mode_t before = ::umask(0077);
  const Unpacked out(TarBuilder()
                         .file("f", "", 07777)
                         .file("none", "", 0)
                         .file("read_only", "", 0444)
                         .directory("d", 07755)
                         .directory("closed", 0)
                         .file("closed/f", "")
                         .file("made/f", "")
                         .build());
  ::umask(before);
  unwrap(out.status());
  CHECK(fs::status(out / "f").permissions() == fs::perms(0777));
  CHECK(mode_of(out / "none") == 0600);
  CHECK(mode_of(out / "read_only") == 0644);
  CHECK(fs::status(out / "d").permissions() == fs::perms(0755));
  CHECK(mode_of(out / "closed") == 0700);
  CHECK(mode_of(out / "made") == 0700);
}

TEST_CASE("long names are read in both dialects, and impossible ones refused") {
  std::string deep;
  for (int i = 0; i < 20; ++i)
    deep += fmt::format("{}/", std::string(100, static_cast<char>('a' + i)));
  const Unpacked out(TarBuilder()
                         .pax({"path=" + deep + "pax"})
                         .file("short", "1")
                         .gnu_long_name(deep + "gnu")
                         .file("short", "2")
                         .build());
  unwrap(out.status());
  CHECK(read_text(out / (deep + "pax")) == "1");
  CHECK(read_text(out / (deep + "gnu")) == "2");

  const std::string part(256, 'n');
  CHECK(Unpacked(TarBuilder().pax({"path=" + part}).file("x", "").build()).refusal() ==
        fmt::format("entry '{:n>80}...' has too long a name", ""));
  std::string path;
  for (int i = 0; i < 20; ++i) path += fmt::format("{:p>250}/", "");
  CHECK(Unpacked(TarBuilder().gnu_long_name(path).file("x", "").build()).refusal() ==
        fmt::format("entry '{:p>80}...' has too long a name", ""));
}

TEST_CASE("names may have letters of any script, in every format") {
  const std::string name = "\u00e9t\u00e9/\u6a21\u578b";
  constexpr uint16_t kIsUtf8 = 1 << 11;
  for (const std::string& archive :
       {TarBuilder().file(name, "x").build(),
        TarBuilder().pax({"path=" + name}).file("x", "x").build(),
        ZipBuilder().add({.name = name, .flags = kIsUtf8}, "x").build()}) {
    const Unpacked out(archive);
    unwrap(out.status());
    CHECK(read_text(out / name) == "x");
  }
}

TEST_CASE("an empty name is refused, and one with a NUL ends there") {
  CHECK(Unpacked(TarBuilder().pax({"path="}).file("", "x").build()).refusal() ==
        "entry '' has no name");
  CHECK(Unpacked(TarBuilder().file(".", "x").build()).refusal() ==
        "entry '.' is the directory itself");
  // libarchive does not show what follows, so all that can be asked is that it stays inside.
  const std::string_view record("path=a\0/../../b", 15);
  const Unpacked out(TarBuilder().pax({record}).file("x", "content").build());
  if (out.status().has_value()) CHECK(read_text(out / "a") == "content");
  CHECK_FALSE(fs::exists(out / "../b"));
}

TEST_CASE("an entry of an encrypted zip is refused") {
  const Unpacked out(ZipBuilder().add({.name = "secret", .flags = 1}, "0123456789abcdef").build());
  CHECK(out.refusal() == "entry 'secret' is encrypted");
  CHECK_FALSE(fs::exists(out / "secret"));
}

TEST_CASE("a tar that is cut at any block is refused, and whole only at its end") {
  const std::string tar = small_tar().build();
  for (size_t size = 512; size < tar.size(); size += 512) {
    CAPTURE(size);
    const Unpacked out(std::string_view(tar).substr(0, size));
    CHECK_FALSE(out.refusal().empty());
    CHECK_FALSE(Unpacked(gzip(tar.substr(0, size))).refusal().empty());
  }
  unwrap(Unpacked(tar).status());
  CHECK(Unpacked(small_tar().unfinished()).refusal() == "the tar is cut short");
}

TEST_CASE("a tar.gz and a zip that are cut at any byte are refused") {
  const std::string zip = ZipBuilder().add({.name = "f"}, "content").build("comment");
  for (const std::string& archive : {gzip(small_tar().build()), zip}) {
    for (size_t size = 2; size < archive.size(); ++size) {
      CAPTURE(size);
      CHECK_FALSE(Unpacked(std::string_view(archive).substr(0, size)).status().has_value());
    }
    unwrap(Unpacked(archive).status());
  }
  CHECK(unwrap_error(Unpacked("").status()).code == ErrorCode::bad_input);
}

TEST_CASE("damage that a checksum shows is refused") {
  std::string packed = gzip(small_tar().build());
  std::string checksum = packed;
  checksum[packed.size() - 8] ^= 1;
  CHECK(Unpacked(checksum).refusal() == "the gzip stream is damaged: incorrect data check");
  std::string length = packed;
  length[packed.size() - 4] ^= 1;
  CHECK(Unpacked(length).refusal() == "the gzip stream is damaged: incorrect length check");
  std::string header = small_tar().build();
  header[5] ^= 1;
  CHECK_FALSE(Unpacked(header).refusal().empty());
  const Unpacked zip(ZipBuilder().add({.name = "f", .wrong_checksum = 1}, "content").build());
  CHECK(zip.refusal().starts_with("ZIP bad CRC"));
  CHECK_FALSE(fs::exists(zip / "f"));
}

TEST_CASE("whatever follows the end of an archive is refused") {
  const std::string tar = small_tar().build();
  CHECK(Unpacked(tar + "x").refusal() == "something follows the end of the tar");
  CHECK(Unpacked(tar + tar).refusal() == "something follows the end of the tar");
  CHECK(Unpacked(gzip(tar + tar)).refusal() == "something follows the end of the tar");
  CHECK(Unpacked(gzip(tar) + "xyz").refusal() == "3 bytes follow the end of the gzip stream");
  CHECK(Unpacked(gzip(tar + std::string(10 << 20, '\0'))).refusal() ==
        "something follows the end of the tar");
  const std::string zip = ZipBuilder().add({.name = "f"}, "content").build();
  CHECK(Unpacked(zip + "x").refusal() == "the zip is cut short, or something follows it");
  // What is no garbage: tar's padding to a record, and a gzip file of several streams.
  unwrap(Unpacked(tar + std::string(9 * 1024, '\0')).status());
  unwrap(Unpacked(gzip(tar.substr(0, 700)) + gzip(tar.substr(700))).status());
}

TEST_CASE("the number of entries is limited, directories on the way included") {
  const UnpackLimits limits{.entries = 3};
  const TarBuilder three = TarBuilder().file("a", "").file("b", "").file("c", "");
  unwrap(Unpacked(three.build(), limits).status());
  CHECK(Unpacked(TarBuilder(three).file("d", "").build(), limits).refusal() ==
        "it has more than 3 entries");
  CHECK(Unpacked(TarBuilder().file("a/b/c/d", "").build(), limits).refusal() ==
        "it has more than 3 entries");
  TarBuilder same;
  for (int i = 0; i < 4; ++i) same.directory("d");
  CHECK(Unpacked(same.build(), limits).refusal() == "it has more than 3 entries");
}

TEST_CASE("the depth is limited") {
  const UnpackLimits limits{.depth = 2};
  unwrap(Unpacked(TarBuilder().file("a/b/c", "").build(), limits).status());
  CHECK(Unpacked(TarBuilder().file("a/b/c/d", "").build(), limits).refusal() ==
        "entry 'a/b/c/d' is more than 2 directories deep");
}

TEST_CASE("the size of a file and of all files is limited") {
  const UnpackLimits limits{.file_bytes = 2048, .total_bytes = 3072};
  const std::string full(2048, 'x');
  unwrap(
      Unpacked(TarBuilder().file("a", full).file("b", full.substr(1024)).build(), limits).status());
  const Unpacked file(TarBuilder().file("a", full + "x").build(), limits);
  CHECK(file.refusal() == "entry 'a' is larger than 2.0 KiB");
  const Unpacked total(TarBuilder().file("a", full).file("b", full).build(), limits);
  CHECK(total.refusal() == "entry 'b' makes it more than 3.0 KiB unpacked");
  CHECK(bytes_below(total / ".") == 2048);
  const Unpacked stated(
      TarBuilder().add({.name = "huge", .size_field = "77777777777"}, "x").build());
  CHECK_FALSE(stated.refusal().empty());
  CHECK(bytes_below(stated / ".") == 0);
}

TEST_CASE("holes of a sparse file count") {
  // One byte at the end of 4 GiB, in the pax format 0.1 of GNU tar.
  const auto sparse = [](const char* size, const char* map) {
    return TarBuilder().pax({"GNU.sparse.numblocks=1", size, map}).file("sparse", "x").build();
  };
  const Unpacked small(sparse("GNU.sparse.size=5000", "GNU.sparse.map=4000,1"));
  unwrap(small.status());
  CHECK(read_text(small / "sparse").size() == 5000);
  CHECK(read_text(small / "sparse")[4000] == 'x');
  const Unpacked out(sparse("GNU.sparse.size=4294967296", "GNU.sparse.map=4294967295,1"));
  CHECK(out.refusal() == "entry 'sparse' makes it more than 200 times its size unpacked");
  CHECK(bytes_below(out / ".") == 0);
}

TEST_CASE("a bomb stops at the limit, with nothing of it left") {
  TarBuilder tar;
  for (int i = 0; i < 200; ++i) tar.file(std::to_string(i), std::string(1 << 20, '\0'));
  const std::string bomb = gzip(tar.build());
  const Unpacked out(bomb);
  CHECK(out.refusal().ends_with("makes it more than 200 times its size unpacked"));
  CHECK(bytes_below(out / ".") <= 200 * bomb.size());
}

TEST_CASE("a bomb in one file is refused before its first byte") {
  const std::string bomb = gzip(TarBuilder().file("bomb", std::string(64 << 20, '\0')).build());
  REQUIRE(bomb.size() < 100'000);
  const Unpacked out(bomb);
  CHECK(out.refusal() == "entry 'bomb' makes it more than 200 times its size unpacked");
  CHECK_FALSE(fs::exists(out / "bomb"));
}

TEST_CASE("unpacking can be followed and stopped in the middle of a file") {
  const std::string tar =
      TarBuilder().file("first", "1").file("large", std::string(4 << 20, 'x')).build();
  uint64_t last = 0;
  uint64_t total = 0;
  const Watch following{.on_progress = [&](uint64_t done, uint64_t all) {
    CHECK(done >= last);
    last = done;
    total = all;
  }};
  unwrap(Unpacked(tar, {}, following).status());
  CHECK(last == tar.size());
  CHECK(total == tar.size());

  int questions = 0;
  const Watch stopping{.is_cancelled = [&] { return ++questions > 20; }};
  const Unpacked stopped(tar, {}, stopping);
  const auto error = unwrap_error(stopped.status());
  CHECK(error.code == ErrorCode::cancelled);
  CHECK(error.message == "cannot unpack '" + stopped.archive_path() + "': cancelled");
  CHECK(questions == 21);
  CHECK(read_text(stopped / "first") == "1");
  CHECK_FALSE(fs::exists(stopped / "large"));
}

TEST_CASE("an archive that is cut short or written to while it is unpacked is refused") {
  const TempDir dir;
  const std::string path = dir / "x.tar";
  // Bytes that are read when the first ones have been told of, and are not compressed.
  const std::string content(4 << 20, 'x');
  const std::string tar = TarBuilder().file("large", content).build();
  const std::string zip = ZipBuilder().add({.name = "large", .mode = 0100644}, content).build();
  const auto refusal = [&](const std::string& archive, const std::function<void()>& change) {
    runed::test::write_text(path, archive);
    bool is_changed = false;
    const Watch changing{.on_progress = [&](uint64_t, uint64_t) {
      if (!std::exchange(is_changed, true)) change();
    }};
    fs::remove_all(dir / "out");
    fs::create_directory(dir / "out");
    const auto error = unwrap_error(runed::bootstrap::unpack(path, dir / "out", {}, changing));
    CHECK(error.code == ErrorCode::integrity);
    return error.message;
  };
  const std::string start = "cannot unpack '" + path + "': ";
  const std::string changed = start + "it was changed while it was read: ";
  const auto cut = [&] { fs::resize_file(path, 2 << 20); };
  CHECK(refusal(tar, cut) ==
        changed + fmt::format("its size is {} bytes now, and was {}", 2 << 20, tar.size()));
  CHECK(refusal(zip, cut).starts_with(start));
  const auto write = [&] { runed::test::overwrite(path, tar); };
  CHECK(refusal(tar, write) == changed + "it was written to");
}
