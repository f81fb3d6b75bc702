// What links in an archive may and may not do.

#include <sys/stat.h>

#include "support/tar_builder.hpp"
#include "support/unpacked.hpp"
#include "support/zip_builder.hpp"

using runed::test::read_text;
using runed::test::TarBuilder;
using runed::test::Unpacked;
using runed::test::unwrap;
using runed::test::ZipBuilder;
namespace fs = std::filesystem;

TEST_CASE("versioned libraries may be links in any order") {
  const Unpacked out(TarBuilder()
                         .link("build/bin/libllama.so", "libllama.so.0")
                         .link("build/bin/libllama.so.0", "libllama.so.0.0.1")
                         .file("build/bin/libllama.so.0.0.1", "ELF", 0755)
                         .build());
  unwrap(out.status());
  CHECK(read_text(out / "build/bin/libllama.so") == "ELF");
  CHECK(fs::read_symlink(out / "build/bin/libllama.so") == "libllama.so.0");
}

TEST_CASE("links to inside are made, also up and down, through others, and to nothing") {
  const Unpacked out(TarBuilder()
                         .file("a/b/f", "x")
                         .link("a/up", "../c/down")
                         .link("c/down", "../a/b")
                         .link("c/self", "..")
                         .link("missing", "a/none/../later")
                         .build());
  unwrap(out.status());
  CHECK(read_text(out / "a/up/f") == "x");
  CHECK(fs::equivalent(out / "c/self", out / "."));
  CHECK(fs::is_symlink(out / "missing"));
}

TEST_CASE("a link that leaves the directory is refused, and no link is left") {
  for (const char* target :
       {"/etc/passwd", "/", "..", "../x", "a/../../x", "b/../../../x", "./.././out/a"}) {
    CAPTURE(target);
    const Unpacked out(TarBuilder().link("fine", "a").directory("a").link("l", target).build());
    CHECK(out.refusal() ==
          "entry 'l' is a link that leaves the directory: '" + std::string(target) + "'");
    CHECK_FALSE(fs::is_symlink(out / "l"));
    CHECK_FALSE(fs::is_symlink(out / "fine"));
  }
}

TEST_CASE("a link that another link leads out is refused, whichever comes first") {
  // As text `x/a` stays inside; once `x/b` is the root, it is above it.
  const TarBuilder after = TarBuilder().link("x/a", "b/../y").link("x/b", "..");
  const TarBuilder before = TarBuilder().link("x/b", "..").link("x/a", "b/../y");
  for (const TarBuilder& tar : {after, before}) {
    CHECK(Unpacked(tar.build()).refusal() ==
          "entry 'x/a' is a link that leaves the directory: 'b/../y'");
  }
  const Unpacked chain(
      TarBuilder().link("a", "b").link("b", "c").link("c", "d/..").link("d", "e/..").build());
  CHECK(chain.refusal() == "entry 'a' is a link that leaves the directory: 'b'");
}

TEST_CASE("links that lead in a circle are refused") {
  const Unpacked circle(TarBuilder().link("a", "b").link("b", "a").build());
  CHECK(circle.refusal() == "entry 'a' is a link that leads through too many others: 'b'");
  const Unpacked self(TarBuilder().link("a", "a/x").build());
  CHECK(self.refusal() == "entry 'a' is a link that leads through too many others: 'a/x'");
}

TEST_CASE("as many links in a row are followed as the kernel follows") {
  TarBuilder chain;
  for (int i = 1; i <= 40; ++i) chain.link(std::to_string(i), std::to_string(i - 1));
  const Unpacked longest(TarBuilder(chain).file("0", "x").build());
  unwrap(longest.status());
  CHECK(read_text(longest / "40") == "x");
  const Unpacked longer(TarBuilder(chain).link("41", "40").file("0", "x").build());
  CHECK(longer.refusal() == "entry '41' is a link that leads through too many others: '40'");
}

TEST_CASE("nothing is unpacked through a link, whichever comes first") {
  const std::string below = "entry 'l/f' is below 'l', which is not a directory";
  for (const char* target : {"d", "/tmp", "..", "nowhere"}) {
    CAPTURE(target);
    const Unpacked link_first(
        TarBuilder().directory("d").link("l", target).file("l/f", "x").build());
    CHECK(link_first.refusal() == below);
    const Unpacked file_first(
        TarBuilder().directory("d").file("l/f", "x").link("l", target).build());
    CHECK(file_first.refusal() == "entry 'l' is there twice");
    CHECK_FALSE(fs::exists(link_first / "d/f"));
  }
  const Unpacked hidden(TarBuilder().link("l", "d").file("d/../l/./f", "x").build());
  CHECK(hidden.refusal() == below);
  const Unpacked as_directory(TarBuilder().link("l", "/tmp").directory("l/").build());
  CHECK(as_directory.refusal() == "entry 'l' is there twice");
  const Unpacked file(TarBuilder().file("l", "x").file("l/f", "x").build());
  CHECK(file.refusal() == below);
  const Unpacked chain(TarBuilder()
                           .link("l", "m")
                           .link("m", "..")
                           .add({.name = "l", .type = '0'}, "replaces the link")
                           .build());
  CHECK(chain.refusal() == "entry 'l' is there twice");
}

TEST_CASE("a hard link is one more name of an earlier file") {
  const Unpacked out(TarBuilder().file("a/f", "x").hard_link("b/g", "./a/../a/f").build());
  unwrap(out.status());
  CHECK(fs::hard_link_count(out / "b/g") == 2);
  CHECK(read_text(out / "b/g") == "x");
}

TEST_CASE("a hard link to anything but an earlier file is refused") {
  for (const char* target : {"/etc/passwd", "../x", "later", "d", "l", "g", "l/f"}) {
    CAPTURE(target);
    const Unpacked out(TarBuilder()
                           .directory("d")
                           .link("l", "d")
                           .file("d/f", "x")
                           .hard_link("g", target)
                           .file("later", "x")
                           .build());
    CHECK(out.refusal() ==
          "entry 'g' is a hard link to '" + std::string(target) + "', which is no earlier file");
    CHECK_FALSE(fs::exists(out / "g"));
  }
}

TEST_CASE("a link in a zip is held to the same rules") {
  const unsigned link = 0120777;
  const Unpacked fine(ZipBuilder()
                          .add({.name = "lib.so", .mode = link}, "lib.so.1")
                          .add({.name = "lib.so.1"}, "ELF")
                          .build());
  unwrap(fine.status());
  CHECK(read_text(fine / "lib.so") == "ELF");
  const Unpacked out(ZipBuilder().add({.name = "l", .mode = link}, "../../etc").build());
  CHECK(out.refusal() == "entry 'l' is a link that leaves the directory: '../../etc'");
}
