#include "support/real_llama_server.hpp"

#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "support/catch.hpp"
#include "support/left_out.hpp"

namespace runed::test {
namespace {

constexpr const char* kPath = "RUNED_TEST_LLAMA_SERVER";
constexpr const char* kSkip = "RUNED_SKIP_LLAMA_SERVER";

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

std::optional<std::string> real_llama_server() {
  const std::string path = variable(kPath);
  if (!path.empty() && std::filesystem::exists(path)) return path;
  const std::string why =
      path.empty() ? std::string(kPath) + " is not set" : "no llama-server at '" + path + "'";
  if (variable(kSkip) == "1") {
    leave_out(why);
    return std::nullopt;
  }
  FAIL(why << "; scripts/get-llama-server fetches one and the test presets name it, "
           << "and " << kSkip << "=1 leaves out the tests that need it");
  return std::nullopt;
}

}  // namespace runed::test
