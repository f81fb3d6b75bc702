#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include "support/catch.hpp"

namespace runed::test {

/// Writes other bytes over those of a file, which keeps its inode and, but for what is written past
/// its end, its size.
inline void overwrite(const std::string& path, std::string_view bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  if (!file) FAIL("cannot open " << path);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// The same, with the time of the last write set back to what it was.
inline void overwrite_in_secret(const std::string& path, std::string_view bytes) {
  const auto time = std::filesystem::last_write_time(path);
  overwrite(path, bytes);
  std::filesystem::last_write_time(path, time);
}

/// Puts another file in its place.
inline void rename_over(const std::string& path, std::string_view bytes) {
  std::ofstream(path + ".new", std::ios::binary) << bytes;
  std::filesystem::rename(path + ".new", path);
}

/// Gives a file another time of its last write.
inline void touch(const std::string& path) {
  const auto time = std::filesystem::last_write_time(path);
  std::filesystem::last_write_time(path, time + std::chrono::hours(1));
}

/// Gives it another mode, which is not its content.
inline void change_mode(const std::string& path) {
  std::filesystem::permissions(path, std::filesystem::perms::owner_exec,
                               std::filesystem::perm_options::add);
}

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace runed::test
