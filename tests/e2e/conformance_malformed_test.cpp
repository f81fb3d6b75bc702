// Requests that no message is made of (B-093): a fault of the one call, never of the daemon.
#include "raw_client.hpp"

using runed::test::Home;
using runed::test::kEmbed;
using runed::test::kEmbedBatch;
using runed::test::kHealth;
using runed::test::kInfo;
using runed::test::kShutdown;
using runed::test::OldClient;
using runed::test::one_text;
using runed::test::reason_of;
using runed::test::Running;

// grpc-go tells INTERNAL; what a program makes of it is a fault of its own either way. A text that is
// not UTF-8 is INTERNAL there, too: here it is told which one it was (not_utf8_test.cpp).
TEST_CASE("a request that cannot be read is refused, and the next one served (B-093)",
          "[conformance]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  struct Case {
    std::string method;
    std::string request;
  };
  // Cut in the middle of a field; a field number 0; a length past the end.
  const Case cases[] = {{kEmbed, one_text("text").SerializeAsString().substr(0, 3)},
                        {kEmbed, std::string("\x00\x00", 2)},
                        {kEmbed, "\x0A\xFF\xFF\xFF\xFF\x07"},
                        {kEmbedBatch, "\x0A\x05good"},
                        {kInfo, "\xFF"},
                        {kHealth, "\xFF"},
                        {kShutdown, "\x08"}};
  for (const auto& [method, request] : cases) {
    CAPTURE(method, request.size());
    const auto answer = client.begin(method, request).finish();
    CAPTURE(answer.status.error_message());
    CHECK(answer.status.error_code() == grpc::StatusCode::INTERNAL);
    CHECK(reason_of(answer.status) == "INTERNAL");
    CHECK(client.embed("text").status.ok());
  }
}

TEST_CASE("a call that ends without its request is refused", "[conformance]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  for (const std::string& method : {kEmbed, kEmbedBatch, kInfo, kHealth, kShutdown}) {
    CAPTURE(method);
    auto call = client.stream(method);
    call.close();
    CHECK_FALSE(call.read().has_value());
    CHECK(call.finish().error_code() == grpc::StatusCode::INTERNAL);
  }
  CHECK(client.embed("text").status.ok());
}
