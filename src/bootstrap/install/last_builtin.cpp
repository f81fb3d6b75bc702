#include "bootstrap/install/last_builtin.hpp"

#include "base/text.hpp"
#include "os/file/atomic_file.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {
namespace {

constexpr size_t kMostNameBytes = 4096;
constexpr size_t kMostLogBytes = size_t{1} << 20;

// The name of the last built-in model that was ready, as the log has it; empty: none was.
std::string find_in_log(const std::string& path) {
  constexpr std::string_view kMessage = R"("msg":"model ready","name":"builtin:)";
  const auto log = os::read_tail(path, kMostLogBytes);
  if (!log) return {};
  const size_t at = log->rfind(kMessage);
  if (at == std::string::npos) return {};
  const size_t begin = at + kMessage.size();
  return log->substr(begin, log->find('"', begin) - begin);
}

}  // namespace

Result<std::optional<std::string>> note_builtin(const Paths& paths, std::string_view name) {
  const std::string note = paths.cache_dir + "/builtin_model";
  const auto noted = os::read_file(note, kMostNameBytes);
  const std::string last = noted ? *noted : find_in_log(paths.daemon_log);
  if (!noted || last != name) {
    TRY(os::make_missing_directories(paths.cache_dir));
    TRY(os::write_file_atomically(note, name, 0600));
  }
  if (last.empty() || last == name) return std::nullopt;
  return printable(last);
}

std::string describe_other_builtin(std::string_view now, std::string_view before) {
  return fmt::format(
      "the built-in model is {} now, and was {}: vectors of the two do not mix, so an index needs "
      "to "
      "be made anew",
      now, before);
}

}  // namespace runed::bootstrap
