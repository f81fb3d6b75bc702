#include "bootstrap/licenses.hpp"

#include "bootstrap/resources.hpp"
#include "os/atomic_file.hpp"
#include "os/files.hpp"

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
    const auto present = os::read_file(path, kMostBytes);
    if (present && *present == license.text) continue;
    TRY(os::write_file_atomically(path, license.text, kFileMode));
  }
  return {};
}

}  // namespace

Status write_licenses(const std::string& directory) {
  Status written = write_all(directory);
  if (written) return {};
  Error error = std::move(written).error();
  error.message = "cannot write the licences: " + error.message;
  return error;
}

}  // namespace runed::bootstrap
