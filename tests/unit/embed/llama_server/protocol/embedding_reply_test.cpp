#include "embed/llama_server/protocol/embedding_reply.hpp"

#include <array>
#include <cmath>
#include <cstring>

#include "base/json.hpp"
#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::Json;
using runed::embed::PackedBatch;
using runed::embed::TokenId;
using runed::embed::llama_server::most_reply_bytes;
using runed::embed::llama_server::read_failure;
using runed::embed::llama_server::read_reply;
using runed::embed::llama_server::write_request;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

// {0.6, 0.8} and {0.8, -0.6} as little-endian f32. Source: RFC 4648 by hand, checked with base64(1).
constexpr const char* kFirst = "mpkZP83MTD8=";
constexpr const char* kSecond = "zcxMP5qZGb8=";

std::string reply_of(const std::string& entries) {
  return R"({"object":"list","data":[)" + entries + "]}";
}

std::string entry(int index, const std::string& embedding) {
  return fmt::format(R"({{"index":{},"embedding":{}}})", index, embedding);
}

std::string quoted(const char* text) {
  return fmt::format("\"{}\"", text);
}

}  // namespace

TEST_CASE("a request carries the ids of its texts and asks for base64") {
  const std::vector<TokenId> ids{1, 22, 333, 4, 5};
  const std::array<uint32_t, 4> offsets{0, 2, 3, 5};
  const PackedBatch batch{.ids = ids, .offsets = offsets};
  CHECK(write_request(batch, 0, 3) ==
        R"({"encoding_format":"base64","input":[[1,22],[333],[4,5]]})");
  CHECK(write_request(batch, 1, 2) == R"({"encoding_format":"base64","input":[[333]]})");
}

TEST_CASE("vectors are read from base64") {
  const auto vectors = unwrap(
      read_reply(reply_of(entry(0, quoted(kFirst)) + "," + entry(1, quoted(kSecond))), 2, 2));
  REQUIRE(vectors.size() == 4);
  CHECK(vectors[0] == Approx(0.6));
  CHECK(vectors[3] == Approx(-0.6));
}

TEST_CASE("vectors are read from numbers, and made exactly unit length") {
  const auto vectors = unwrap(read_reply(reply_of(entry(0, "[0.601,0.801]")), 1, 2));
  CHECK(std::hypot(vectors[0], vectors[1]) == Approx(1).epsilon(1e-6));
}

TEST_CASE("a vector goes where its index says") {
  const auto vectors = unwrap(
      read_reply(reply_of(entry(1, quoted(kFirst)) + "," + entry(0, quoted(kSecond))), 2, 2));
  CHECK(vectors[0] == Approx(0.8));
  CHECK(vectors[2] == Approx(0.6));
}

TEST_CASE("without an index vectors are in the texts' order") {
  const auto vectors =
      unwrap(read_reply(reply_of(R"({"embedding":[1,0]},{"embedding":[0,1]})"), 2, 2));
  CHECK(vectors == std::vector<float>{1, 0, 0, 1});
}

TEST_CASE("the first vector decides on the dimension when none was expected") {
  CHECK(unwrap(read_reply(reply_of(entry(0, "[1,0,0]")), 1, 0)).size() == 3);
}

TEST_CASE("what is no reply is a fault of the engine") {
  struct Case {
    std::string body;
    std::string message;
  };
  const std::vector<Case> cases{
      {"", "what cannot be read: invalid JSON at byte 1"},
      {"<html>", "what cannot be read: invalid JSON at byte 1"},
      {"[]", "JSON that is no object"},
      {R"({"data":[{"embedding":)", "what cannot be read: invalid JSON at byte 23"},
      {R"({"data":)" + std::string(80'000, '['),
       "what cannot be read: invalid JSON at byte 72: nested deeper than 64 levels"},
      {"{}", "JSON without an array 'data'"},
      {R"({"data":{}})", "JSON without an array 'data'"},
      {reply_of(""), "0 vectors for 1 texts"},
      {reply_of(entry(0, "[1,0]") + "," + entry(1, "[1,0]")), "2 vectors for 1 texts"},
      {reply_of("7"), "an entry without vector"},
      {reply_of(R"({"index":0})"), "an entry without vector"},
      {reply_of(entry(0, "7")), "a vector that is neither text nor numbers"},
      {reply_of(entry(0, R"([1,"0"])")), "a vector with something that is no number"},
      {reply_of(entry(0, "\"@@@@\"")), "a vector that is no base64 of floats"},
      {reply_of(entry(0, "\"mpkZPw\"")), "a vector that is no base64 of floats"},
      {reply_of(entry(0, "\"mpkZ\"")), "a vector that is no base64 of floats"},
      {reply_of(entry(0, "[1,0,0]")), "a vector of 3 floats where 2 were expected"},
      {reply_of(entry(0, "[]")), "a vector of 0 floats where 2 were expected"},
      {reply_of(entry(1, "[1,0]")), "a vector for no text that was asked for"},
      {reply_of(entry(-1, "[1,0]")), "a vector for no text that was asked for"},
      {reply_of(entry(0, "[2,0]")), "a vector of length 2 where 1 was expected"},
      {reply_of(entry(0, "[0,0]")), "a vector of length 0 where 1 was expected"},
  };
  for (const auto& [body, message] : cases) {
    CAPTURE(body);
    const auto error = unwrap_error(read_reply(body, 1, 2));
    CHECK(error.code == ErrorCode::engine_fault);
    CHECK(error.message == "llama-server answered " + message);
  }
}

TEST_CASE("two vectors for one text are a fault") {
  const auto error =
      unwrap_error(read_reply(reply_of(entry(0, "[1,0]") + "," + entry(0, "[1,0]")), 2, 2));
  CHECK(error.message == "llama-server answered two vectors for one text");
}

TEST_CASE("a vector that is not finite says whose it is") {
  const std::string nan = "\"AADAfwAAAAA=\"";  // {NaN, 0}
  for (const std::string& vector : {nan, std::string("[null,0]"), std::string("[1e39,0]")}) {
    CAPTURE(vector);
    const auto error =
        unwrap_error(read_reply(reply_of(entry(0, "[1,0]") + "," + entry(1, vector)), 2, 2));
    CHECK(error.code == ErrorCode::not_finite);
    CHECK(error.facts.text("index") == "1");
  }
}

TEST_CASE("the bound of a reply has room for the longest numbers") {
  std::string numbers = "-0.00000000012345678901234";
  for (int i = 1; i < 1024; ++i) numbers += ", -0.00000000012345678901234";
  CHECK(reply_of(entry(0, "[" + numbers + "]")).size() < most_reply_bytes(1, 1024));
}

TEST_CASE("a failure is quoted, and only its message") {
  CHECK(read_failure(400, R"({"error":{"code":400,"message":"too \u001b large","type":"x"}})") ==
        "HTTP 400: too \\x1b large");
  CHECK(read_failure(500, "oops") == "HTTP 500");
  CHECK(read_failure(500, R"({"error":"x"})") == "HTTP 500");
  CHECK(read_failure(500, R"({"error":{"message":7}})") == "HTTP 500");
}
