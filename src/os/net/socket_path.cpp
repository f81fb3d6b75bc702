#include "os/net/socket_path.hpp"

#include <unistd.h>

#include "base/sha256.hpp"
#include "os/directory/own_directory.hpp"
#include "os/file/files.hpp"

namespace runed::os {
namespace {

// Source: the predecessor, internal/ipc/resolve_unix.go (B-033).
constexpr size_t kFirstTooLong = 104;
constexpr size_t kDigestDigits = 32;

std::string alias_directory(unsigned uid) {
  return fmt::format("/tmp/runed-{}", uid);
}

bool is_alias(const std::string& resolved, unsigned uid) {
  return parent_directory(resolved) == alias_directory(uid);
}

}  // namespace

std::string resolve_socket_path(const std::string& canonical) {
  return resolve_socket_path(canonical, ::getuid());
}

std::string resolve_socket_path(const std::string& canonical, unsigned uid) {
  std::string path = absolute_path(canonical);
  if (path.size() < kFirstTooLong) return path;
  const std::string digest = sha256_hex(path).substr(0, kDigestDigits);
  return fmt::format("{}/runed-{}.sock", alias_directory(uid), digest);
}

Status prepare_socket_directory(const std::string& resolved) {
  return prepare_socket_directory(resolved, ::getuid());
}

Status prepare_socket_directory(const std::string& resolved, unsigned uid) {
  const std::string parent = parent_directory(resolved);
  return is_alias(resolved, uid) ? make_own_directory(parent)
                                 : make_missing_directories(parent);
}

Status check_alias_directory(const std::string& resolved) {
  return check_alias_directory(resolved, ::getuid());
}

Status check_alias_directory(const std::string& resolved, unsigned uid) {
  if (!is_alias(resolved, uid)) return {};
  Status checked = check_own_directory(parent_directory(resolved));
  if (!checked.has_value() && checked.error().code == ErrorCode::not_found) return {};
  return checked;
}

}  // namespace runed::os
