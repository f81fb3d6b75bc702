#pragma once

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace runed::test {

/// What can be in the place of a file, and hold or flood whoever opens it.
struct NotAFile {
  std::string name;
  std::string told;  // In an error, where links are followed.
  void (*make)(const std::string& path);
};

inline void make_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(path.size() < sizeof(address.sun_path));
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  ::close(fd);
}

inline const std::vector<NotAFile>& all_that_is_no_file() {
  static const std::vector<NotAFile> all{
      {"fifo", "it is a FIFO, not a regular file",
       [](const std::string& path) { REQUIRE(::mkfifo(path.c_str(), 0600) == 0); }},
      {"directory", "it is a directory, not a regular file",
       [](const std::string& path) { std::filesystem::create_directory(path); }},
      {"socket", "it is a socket, not a regular file", make_socket},
      {"device", "it is a device, not a regular file",
       [](const std::string& path) { std::filesystem::create_symlink("/dev/zero", path); }},
  };
  return all;
}

}  // namespace runed::test
