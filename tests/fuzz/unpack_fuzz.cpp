// Any bytes as an archive, unpacked into a fresh directory. Nothing around the directory changes,
// no link in it leads out, and nothing in it is more than a file, a directory or a link.

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "bootstrap/archive/unpack.hpp"

namespace fs = std::filesystem;

namespace {

// A directory with the archive, a witness and, two levels down, the one to unpack into.
class Sandbox {
 public:
  explicit Sandbox(std::string_view archive) {
    CHECK(::mkdtemp(path_.data()) != nullptr);
    fs::create_directories(out());
    write("archive", archive);
    write("witness", kWitness);
  }
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;
  ~Sandbox() { fs::remove_all(path_); }

  std::string archive() const { return path_ + "/archive"; }
  std::string out() const { return path_ + "/a/out"; }

  void check_surroundings(size_t archive_bytes) const {
    size_t names = 0;
    for (auto entry = fs::recursive_directory_iterator(path_); entry != end(entry); ++entry) {
      if (entry->path() == out()) entry.disable_recursion_pending();
      ++names;
    }
    CHECK(names == 4);
    CHECK(fs::file_size(archive()) == archive_bytes);
    std::ifstream witness(path_ + "/witness");
    const std::string content{std::istreambuf_iterator<char>(witness), {}};
    CHECK(content == kWitness);
  }

 private:
  static constexpr std::string_view kWitness = "unchanged";

  void write(const char* name, std::string_view content) const {
    std::ofstream(path_ + "/" + name, std::ios::binary) << content;
  }

  std::string path_ = fs::temp_directory_path() / "runed-fuzz-XXXXXX";
};

// What the kernel makes of a path, as far as it exists, begins with the directory's own.
void check_inside(const fs::path& path, const std::string& directory) {
  std::error_code failed;
  const std::string resolved = fs::weakly_canonical(path, failed).string();
  CHECK(!failed);
  CHECK(resolved == directory || resolved.starts_with(directory + "/"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Sandbox sandbox(bytes);
  const runed::bootstrap::UnpackLimits limits{
      .entries = 50, .file_bytes = 1 << 20, .total_bytes = 4 << 20};
  const auto unpacked = runed::bootstrap::unpack(sandbox.archive(), sandbox.out(), limits, {});
  CHECK(unpacked.has_value() || !unpacked.error().message.empty());
  sandbox.check_surroundings(size);
  const std::string root = fs::canonical(sandbox.out()).string();
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    CHECK(entry.is_symlink() || entry.is_regular_file() || entry.is_directory());
    CHECK(!entry.is_symlink() || unpacked.has_value());
    check_inside(entry.path(), root);
  }
  return 0;
}
