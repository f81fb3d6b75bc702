#include "os/file/open_files.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>

#include "os/file/files.hpp"

namespace runed::os {
namespace {

namespace fs = std::filesystem;

/// The files found so far, of those below the directories.
class Found {
 public:
  explicit Found(const std::vector<std::string>& directories) {
    for (const std::string& each : directories) prefixes_.push_back(resolve_links(each) + "/");
  }

  void add(const std::string& path) {
    const auto holds = [&path](const std::string& prefix) { return path.starts_with(prefix); };
    if (std::ranges::any_of(prefixes_, holds)) paths_.insert(path);
  }
  void add_link(const fs::path& link) {
    std::error_code gone;  // The process may end while we look, or be another user's.
    const fs::path target = fs::read_symlink(link, gone);
    if (!gone) add(target);
  }
  std::set<std::string> take() { return std::move(paths_); }

 private:
  std::vector<std::string> prefixes_;
  std::set<std::string> paths_;
};

// Source: proc(5), /proc/pid/maps: the path is the sixth field, and begins with a slash.
void add_maps(const fs::path& process, Found& found) {
  std::ifstream maps(process / "maps");
  for (std::string line; std::getline(maps, line);) {
    const size_t path = line.find('/');
    if (path != std::string::npos) found.add(line.substr(path));
  }
}

}  // namespace

std::set<std::string> open_files_below(const std::vector<std::string>& directories) {
  Found found(directories);
  std::error_code ended;
  for (fs::directory_iterator process("/proc", ended), end; !ended && process != end;
       process.increment(ended)) {
    const std::string name = process->path().filename();
    if (!std::ranges::all_of(name, [](unsigned char digit) { return std::isdigit(digit) != 0; })) {
      continue;
    }
    found.add_link(process->path() / "exe");
    add_maps(process->path(), found);
    std::error_code closed;
    for (fs::directory_iterator file(process->path() / "fd", closed), last; !closed && file != last;
         file.increment(closed)) {
      found.add_link(file->path());
    }
  }
  return found.take();
}

bool is_among(const std::set<std::string>& open_files, const std::string& path) {
  const std::string real = resolve_links(path);
  return std::ranges::any_of(open_files, [&real](const std::string& file) {
    return file == real || file.starts_with(real + "/");
  });
}

}  // namespace runed::os
