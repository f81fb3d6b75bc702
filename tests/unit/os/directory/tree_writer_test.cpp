#include "os/directory/tree_writer.hpp"

#include <sys/stat.h>

#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::os::TreeWriter;
using runed::test::mode_of;
using runed::test::read_text;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;
namespace fs = std::filesystem;

TEST_CASE("a tree is written with exactly the modes that are asked for") {
  const TempDir dir;
  const mode_t before = ::umask(0077);
  const TreeWriter writer = unwrap(TreeWriter::open(dir.path()));
  unwrap(writer.make_directory("a", 0755));
  unwrap(writer.make_directory("a/b", 0711));
  {
    auto file = unwrap(writer.create_file("a/b/f", 0666));
    unwrap(file.write("one "));
    unwrap(file.write("two"));
    unwrap(file.finish());
  }
  unwrap(writer.make_link("a/link", "b/f"));
  unwrap(writer.make_hard_link("g", "a/b/f"));
  unwrap(writer.sync_directory("a/b"));
  unwrap(writer.sync_directory(""));
  ::umask(before);
  CHECK(mode_of(dir / "a") == 0755);
  CHECK(mode_of(dir / "a/b") == 0711);
  CHECK(mode_of(dir / "a/b/f") == 0666);
  CHECK(read_text(dir / "a/link") == "one two");
  CHECK(fs::hard_link_count(dir / "g") == 2);
  unwrap(writer.set_directory_mode("a", 0700));
  CHECK(mode_of(dir / "a") == 0700);
}

TEST_CASE("a file that is not finished is removed") {
  const TempDir dir;
  const TreeWriter writer = unwrap(TreeWriter::open(dir.path()));
  {
    auto file = unwrap(writer.create_file("f", 0600));
    unwrap(file.write("half"));
    CHECK(fs::exists(dir / "f"));
  }
  CHECK_FALSE(fs::exists(dir / "f"));
}

TEST_CASE("nothing is written through a link, and nothing is replaced") {
  const TempDir dir;
  fs::create_directories(dir / "tree");
  fs::create_directories(dir / "outside");
  write_text(dir / "outside/f", "kept");
  fs::create_symlink(dir / "outside", dir / "tree/link");
  fs::create_symlink(dir / "outside/new", dir / "tree/dangling");
  write_text(dir / "tree/f", "kept");
  const TreeWriter writer = unwrap(TreeWriter::open(dir / "tree"));
  const std::string through = "cannot open '" + (dir / "tree/link") + "': not a directory";
  CHECK(unwrap_error(writer.create_file("link/g", 0600)).message == through);
  CHECK(unwrap_error(writer.make_directory("link/g", 0700)).message == through);
  CHECK(unwrap_error(writer.make_link("link/g", "x")).message == through);
  CHECK(unwrap_error(writer.make_hard_link("g", "link/f")).message == through);
  CHECK(unwrap_error(writer.set_directory_mode("link", 0700)).message == through);
  for (const char* name : {"f", "link", "dangling"}) {
    const std::string there = "cannot create '" + (dir / "tree/") + name + "': file exists";
    CHECK(unwrap_error(writer.create_file(name, 0600)).message == there);
    CHECK(unwrap_error(writer.make_directory(name, 0700)).message == there);
    CHECK(unwrap_error(writer.make_link(name, "x")).message == there);
    CHECK(unwrap_error(writer.make_hard_link(name, "f")).message == there);
  }
  CHECK(read_text(dir / "tree/f") == "kept");
  CHECK_FALSE(fs::exists(dir / "outside/g"));
  CHECK_FALSE(fs::exists(dir / "outside/new"));
  CHECK(unwrap_error(TreeWriter::open(dir / "tree/link")).message == through);
}
