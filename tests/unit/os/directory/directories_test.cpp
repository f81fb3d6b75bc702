#include "os/directory/directories.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::test::mode_of;
using runed::test::read_text;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;
namespace fs = std::filesystem;
namespace os = runed::os;
using Kind = os::DirectoryEntry::Kind;

namespace {

// For its time a process of root is one that permissions hold for.
class WithoutRoot {
 public:
  explicit WithoutRoot(const std::string& tree) {
    if (::geteuid() != 0) return;
    REQUIRE(::chown(tree.c_str(), kNobody, kNobody) == 0);
    for (const auto& entry : fs::recursive_directory_iterator(tree)) {
      REQUIRE(::lchown(entry.path().c_str(), kNobody, kNobody) == 0);
    }
    REQUIRE(::seteuid(kNobody) == 0);
  }
  WithoutRoot(const WithoutRoot&) = delete;
  WithoutRoot& operator=(const WithoutRoot&) = delete;
  ~WithoutRoot() {
    if (::getuid() == 0) static_cast<void>(::seteuid(0) == 0);
  }

 private:
  static constexpr uid_t kNobody = 65534;
};

}  // namespace

TEST_CASE("a temporary directory is fresh and closed to others") {
  const TempDir dir;
  const std::string first = unwrap(os::make_temporary_directory(dir / "staging-"));
  const std::string second = unwrap(os::make_temporary_directory(dir / "staging-"));
  CHECK(first != second);
  CHECK(first.starts_with(dir / "staging-"));
  CHECK(mode_of(first) == 0700);
  const auto error = unwrap_error(os::make_temporary_directory(dir / "none/x-"));
  CHECK(error.message ==
        "cannot create directory '" + (dir / "none/x-XXXXXX") + "': no such file or directory");
}

TEST_CASE("a tree is removed with its links and without what they lead to") {
  const TempDir dir;
  fs::create_directories(dir / "outside/below");
  write_text(dir / "outside/kept", "kept");
  fs::create_directories(dir / "tree/a/b");
  write_text(dir / "tree/a/f", "x");
  fs::create_symlink(dir / "outside", dir / "tree/a/to_directory");
  fs::create_symlink(dir / "outside/kept", dir / "tree/to_file");
  fs::create_symlink("nowhere", dir / "tree/dangling");
  fs::create_symlink(dir / "outside", dir / "link");
  unwrap(os::remove_tree(dir / "tree"));
  CHECK_FALSE(fs::exists(dir / "tree"));
  unwrap(os::remove_tree(dir / "link"));
  CHECK_FALSE(fs::is_symlink(dir / "link"));
  CHECK(read_text(dir / "outside/kept") == "kept");
  CHECK(fs::exists(dir / "outside/below"));
  unwrap(os::remove_tree(dir / "outside/kept"));
  CHECK_FALSE(fs::exists(dir / "outside/kept"));
  unwrap(os::remove_tree(dir / "none"));
}

TEST_CASE("a tree with directories that may not be written is removed") {
  const TempDir dir;
  fs::create_directories(dir / "home/tree/a/b");
  write_text(dir / "home/tree/a/b/f", "x");
  for (const char* name : {"home/tree/a/b", "home/tree/a"}) {
    fs::permissions(dir / name, fs::perms::none);
  }
  REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
  runed::Status removed;
  {
    const WithoutRoot user(dir / "home");
    removed = os::remove_tree(dir / "home/tree");
  }
  unwrap(removed);
  CHECK_FALSE(fs::exists(dir / "home/tree"));
}

TEST_CASE("what cannot be removed is named") {
  const TempDir dir;
  fs::create_directories(dir / "home/tree");
  fs::permissions(dir / "home", fs::perms::owner_read | fs::perms::owner_exec);
  REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
  runed::Status removed;
  {
    const WithoutRoot user(dir / "home");
    removed = os::remove_tree(dir / "home/tree");
  }
  fs::permissions(dir / "home", fs::perms::owner_all);
  const auto error = unwrap_error(removed);
  CHECK(error.code == ErrorCode::permission_denied);
  CHECK(error.message == "cannot remove '" + (dir / "home/tree") + "': permission denied");
}

TEST_CASE("directories change places, and a missing target is filled") {
  const TempDir dir;
  for (const auto& swap : {os::swap_directories, os::replace_directory}) {
    fs::create_directories(dir / "staged");
    write_text(dir / "staged/f", "new");
    unwrap(swap(dir / "staged", dir / "target"));
    CHECK(read_text(dir / "target/f") == "new");
    CHECK_FALSE(fs::exists(dir / "staged"));

    fs::create_directories(dir / "staged");
    write_text(dir / "staged/f", "newer");
    unwrap(swap(dir / "staged", dir / "target"));
    CHECK(read_text(dir / "target/f") == "newer");
    CHECK(read_text(dir / "staged/f") == "new");
    CHECK(unwrap(os::list_directory(dir.path())).size() == 2);
    fs::remove_all(dir / "staged");
    fs::remove_all(dir / "target");
  }
}

TEST_CASE("a swap without anything staged fails and leaves the target") {
  const TempDir dir;
  fs::create_directories(dir / "target");
  for (const auto& swap : {os::swap_directories, os::replace_directory}) {
    const auto error = unwrap_error(swap(dir / "none", dir / "target"));
    CHECK(error.code == ErrorCode::not_found);
    CHECK(error.message == "cannot replace '" + (dir / "target") + "': no such file or directory");
    CHECK(fs::exists(dir / "target"));
    CHECK(unwrap(os::list_directory(dir.path())).size() == 1);
  }
}

TEST_CASE("nobody ever sees the target of a swap missing") {
  const TempDir dir;
  fs::create_directories(dir / "staged");
  fs::create_directories(dir / "target");
  const std::string target = dir / "target";
  std::atomic<bool> done{false};
  std::atomic<int> seen{0};
  std::atomic<int> missing{0};
  std::thread reader([&] {
    while (!done) {
      struct stat status {};
      ++(::stat(target.c_str(), &status) == 0 ? seen : missing);
    }
  });
  runed::Status swapped;
  for (int i = 0; i < 200 && swapped.has_value(); ++i) {
    swapped = os::swap_directories(dir / "staged", target);
  }
  done = true;
  reader.join();
  unwrap(swapped);
  CHECK(missing == 0);
  CHECK(seen > 0);
}

TEST_CASE("listings are sorted, tell kinds and sizes, and follow no link") {
  const TempDir dir;
  fs::create_directories(dir / "d/sub");
  write_text(dir / "d/sub/f", "12345");
  write_text(dir / "a", "1");
  fs::create_symlink(dir / "d", dir / "link");
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);

  const auto level = unwrap(os::list_directory(dir.path()));
  REQUIRE(level.size() == 4);
  CHECK(level[0].name == "a");
  CHECK(level[0].kind == Kind::file);
  CHECK(level[0].size_bytes == 1);
  CHECK(level[0].modified > std::chrono::hours(24 * 365 * 50));
  CHECK(level[1].kind == Kind::directory);
  CHECK(level[2].kind == Kind::link);
  CHECK(level[3].kind == Kind::other);

  std::vector<std::string> names;
  for (const auto& entry : unwrap(os::list_tree(dir.path()))) names.push_back(entry.name);
  CHECK(names == std::vector<std::string>{"a", "d", "d/sub", "d/sub/f", "link", "pipe"});
  CHECK(unwrap_error(os::list_tree(dir / "none")).code == ErrorCode::not_found);
}

TEST_CASE("syncing a directory that is missing says so") {
  const TempDir dir;
  unwrap(os::sync_directory(dir.path()));
  CHECK(unwrap_error(os::sync_directory(dir / "none")).code == ErrorCode::not_found);
}
