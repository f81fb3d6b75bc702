#include "bootstrap/install/licenses.hpp"

#include "bootstrap/manifest/resources.hpp"
#include "os/file/atomic_file.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {
namespace {

constexpr unsigned kFileMode = 0644;
constexpr unsigned kDirectoryMode = 0755;
constexpr size_t kMostBytes = size_t{1} << 20;

Status write_all(const std::string& directory) {
  for (const License& license : builtin_licenses()) {
    const std::string path = fmt::format("{}/{}", directory, license.name);
    const std::string parent = os::parent_directory(path);
    TRY(os::make_missing_directories(parent));
    TRY(os::set_mode(parent, kDirectoryMode));
    TRY(os::write_file_atomically(path, license.text, kFileMode));
  }
  return {};
}

}  // namespace

Status write_licenses(const std::string& directory) {
  if (find_license_faults(directory).empty()) return {};
  Status written = write_all(directory);
  if (written) return {};
  return std::move(written).error().in("cannot write the licences");
}

std::vector<std::string> find_license_faults(const std::string& directory) {
  std::vector<std::string> faults;
  for (const License& license : builtin_licenses()) {
    const std::string path = fmt::format("{}/{}", directory, license.name);
    const auto text = os::read_file(path, kMostBytes);
    if (!text) {
      faults.push_back(text.error().message);
    } else if (*text != license.text) {
      faults.push_back(fmt::format("'{}' was changed", path));
    }
  }
  return faults;
}

}  // namespace runed::bootstrap
