#include "daemon/grpc/library_logs.hpp"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <string>
#include <vector>

#include "base/json.hpp"
#include "support/fake_clock.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::Log;
using runed::test::unwrap;

TEST_CASE("what libraries say becomes lines of ours, without what it is about") {
  const runed::test::FakeClock clock;
  std::vector<std::string> lines;
  {
    Log log(Log::Format::json, clock, [&](std::string_view line) {
      lines.emplace_back(line);
      return true;
    });
    const runed::daemon::LibraryLogs library_logs(log);
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);  // As grpc_init does it.
    gpr_log(GPR_ERROR, "Error parsing metadata: key=%s value=%s", "authorization", "secret");
    GOOGLE_LOG(WARNING) << "secret";
    for (int i = 0; i < 1000; ++i) GOOGLE_LOG(ERROR) << "secret";
  }
  // Their second is not over at the end, where the rest is told.
  REQUIRE(lines.size() == 1 + Log::kMostLinesASecond + 1);
  for (const std::string& line : lines) {
    CAPTURE(line);
    CHECK(line.find("secret") == std::string::npos);
    CHECK(line.find("authorization") == std::string::npos);
  }
  const Json grpc = unwrap(runed::parse_json(lines[0]));
  CHECK(grpc["msg"] == "gRPC");
  CHECK(grpc["level"] == "ERROR");
  CHECK(grpc["source"].get<std::string>().starts_with("library_logs_test.cpp:"));
  const Json protobuf = unwrap(runed::parse_json(lines[1]));
  CHECK(protobuf["msg"] == "protobuf");
  CHECK(protobuf["level"] == "WARN");
  CHECK(unwrap(runed::parse_json(lines.back()))["left_out"] == 1001 - Log::kMostLinesASecond);
  gpr_log(GPR_DEBUG, "afterwards");  // Nobody is told.
}
