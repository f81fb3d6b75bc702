#include "cmd/exit_code.hpp"

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>

#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::cmd::exit_code_of;

namespace {

// By name on the wire, as a program sees them beside each other.
const std::map<std::string, int> kExpected{
    {"INVALID_ARGUMENT", 2},
    {"USAGE", 2},
    {"BAD_DIMENSIONS", 2},
    {"BAD_INPUT", 65},
    {"BATCH_TOO_LARGE", 65},
    {"NOT_UTF8", 65},
    {"NO_INPUT", 66},
    {"BLANK_LINE", 67},
    {"EMPTY_TEXT", 67},
    {"TEXT_TOO_LONG", 68},
    {"REQUEST_TOO_LARGE", 68},
    {"UNAVAILABLE", 69},
    {"INTERNAL", 70},
    {"ENGINE_RESTARTS_EXHAUSTED", 69},
    {"ENGINE_DIED", 70},
    {"ENGINE_KILLED", 70},
    {"ENGINE_FAULT", 70},
    {"NOT_FINITE", 70},
    {"UNKNOWN_MODEL", 71},
    {"MODEL_MISSING", 71},
    {"ENGINE_CRASHED_ON_TEXT", 70},
    {"MODEL_CORRUPT", 71},
    {"MODEL_UNSUPPORTED", 71},
    {"WRONG_MODEL_KIND", 71},
    {"MODEL_MISMATCH", 72},
    {"OTHER_SETTINGS", 73},
    {"IO", 74},
    {"QUEUE_FULL", 75},
    {"ENGINE_RESTARTING", 75},
    {"SHUTTING_DOWN", 75},
    {"TOO_FEW_THREADS", 75},
    {"BOOTSTRAPPING", 75},
    {"INTEGRITY", 76},
    {"PERMISSION_DENIED", 77},
    {"PEER_REFUSED", 77},
    {"BAD_CONFIG", 78},
    {"NETWORK", 79},
    {"DEADLINE_EXCEEDED", 124},
    {"CANCELLED", 130},
    {"NOT_FOUND", 1},
    {"NOT_IMPLEMENTED", 1},
    {"NO_CENTROID_SET", 1},
};

std::string text_of(const std::string& file) {
  return runed::test::read_text(std::string(RUNED_SOURCE_DIR) + "/" + file);
}

}  // namespace

TEST_CASE("each error has the exit code that is written down") {
  std::map<std::string, int> found;
  for (int i = 0; i <= static_cast<int>(ErrorCode::peer_refused); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    found.emplace(runed::name_of(code), static_cast<int>(exit_code_of(code)));
  }
  CHECK(found == kExpected);
}

TEST_CASE("the README and the manual have each exit code") {
  std::set<int> codes{0, 3, 4, 5};  // Success, and what status and doctor tell without an error.
  for (const auto& [name, code] : kExpected) codes.insert(code);
  const std::string readme = text_of("README.md");
  const std::string manual = text_of("man/runed.1");
  for (const int code : codes) {
    CAPTURE(code);
    CHECK(readme.find(fmt::format("\n| {} | ", code)) != std::string::npos);
    CHECK(manual.find(fmt::format("\n.B {}\n", code)) != std::string::npos);
  }
}
