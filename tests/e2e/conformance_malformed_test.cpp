// Requests that no message is made of (B-093): a fault of the one call, never of the daemon.
#include "raw_client.hpp"

using runed::test::Home;
using runed::test::kEmbed;
using runed::test::kEmbedBatch;
using runed::test::kHealth;
using runed::test::many_texts;
using runed::test::OldClient;
using runed::test::one_text;
using runed::test::Running;

// grpc-go tells INTERNAL; what a program makes of it is a fault of its own either way.
TEST_CASE("a request that cannot be read is refused, and the next one served (B-093)",
          "[conformance]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  struct Case {
    std::string method;
    std::string request;
  };
  // No UTF-8; cut in the middle of a field; a field number 0; a length past the end.
  const std::string not_utf8(
      "\x0A\x03"
      "a\xFF"
      "b",
      5);
  const Case cases[] = {{kEmbed, not_utf8},
                        {kEmbedBatch, many_texts({"good"}).SerializeAsString() + not_utf8},
                        {kEmbed, one_text("text").SerializeAsString().substr(0, 3)},
                        {kEmbed, std::string("\x00\x00", 2)},
                        {kEmbed, "\x0A\xFF\xFF\xFF\xFF\x07"},
                        {kHealth, "\xFF"}};
  for (const auto& [method, request] : cases) {
    CAPTURE(method, request.size());
    const auto answer = client.begin(method, request).finish();
    CAPTURE(answer.status.error_message());
    CHECK(answer.status.error_code() == grpc::StatusCode::INTERNAL);
    CHECK(client.embed("text").status.ok());
  }
}
