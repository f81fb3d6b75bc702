#include "engine_processes.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>

#include "os/file/files.hpp"
#include "support/eventually.hpp"

namespace runed::test {
namespace {

// A process that ends meanwhile reads as empty.
std::string read_process_file(const std::string& path) {
  constexpr size_t kMostBytes = size_t{1} << 20;
  return os::read_file(path, kMostBytes).value_or("");
}

// As `ps` does.
std::vector<int> find_processes(const std::function<bool(const std::string& directory)>& matches) {
  std::vector<int> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    const bool is_process = std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
    if (is_process && matches(entry.path())) found.push_back(std::stoi(name));
  }
  return found;
}

}  // namespace

std::vector<int> engine_processes(const Home& home) {
  return find_processes([&](const std::string& directory) {
    const std::string command_line = read_process_file(directory + "/cmdline");
    return command_line.find("--host") != std::string::npos &&
           command_line.find(home.path() + "/") != std::string::npos;
  });
}

int engine_process(const Home& home) {
  std::vector<int> found;
  if (!eventually([&] { return (found = engine_processes(home)).size() == 1; })) {
    FAIL("instead of one llama-server there are " << found.size());
  }
  return found.front();
}

bool has_zombie(int parent) {
  return !find_processes([&](const std::string& directory) {
            // The name, in brackets, may hold anything; then come the state and the parent.
            const std::string stat = read_process_file(directory + "/stat");
            const size_t end = stat.rfind(") ");
            return end != std::string::npos &&
                   stat.substr(end + 2).starts_with("Z " + std::to_string(parent) + " ");
          }).empty();
}

}  // namespace runed::test
