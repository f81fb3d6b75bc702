#include "bootstrap/install/last_used.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "base/text.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {

Status note_used(const Paths& paths, std::string_view variant, const Clock& clock) {
  if (variant.empty() || variant == "." || variant == ".." ||
      variant.find('/') != std::string_view::npos) {
    return make_error(ErrorCode::invalid_argument, "'{}' cannot be the name of a variant",
                      printable(variant));
  }
  TRY(os::make_missing_directories(used_directory(paths)));
  const std::string marker = used_marker(paths, variant);
  TRY(os::open_for_append(marker, 0600));
  std::error_code fault;
  std::filesystem::last_write_time(marker, std::chrono::file_clock::from_sys(clock.system_now()),
                                   fault);
  if (!fault) return {};
  return make_error(ErrorCode::io, "cannot note in '{}' that {} is used: {}", marker,
                    printable(variant), fault.message());
}

std::optional<std::chrono::nanoseconds> find_last_used(const Paths& paths,
                                                       std::string_view variant) {
  const std::string marker = used_marker(paths, variant);
  if (!os::is_regular_file(marker)) return std::nullopt;
  const auto file = os::file_identity(marker);
  if (!file) return std::nullopt;
  return file->modified;
}

std::string used_directory(const Paths& paths) {
  return paths.cache_dir + "/used";
}

std::string used_marker(const Paths& paths, std::string_view variant) {
  return fmt::format("{}/{}", used_directory(paths), variant);
}

}  // namespace runed::bootstrap
