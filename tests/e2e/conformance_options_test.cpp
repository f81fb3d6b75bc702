// What we added to the predecessor's contract, over a raw channel: prompts, dimensions, truncation,
// and the metadata of errors.
#include <cmath>

#include "prompted_home.hpp"
#include "raw_client.hpp"
#include "runed/v1/runed.pb.h"

using runed::test::Answer;
using runed::test::cosine;
using runed::test::error_info;
using runed::test::Home;
using runed::test::kEmbed;
using runed::test::kEmbedBatch;
using runed::test::kInfo;
using runed::test::OldClient;
using runed::test::PromptedHome;
using runed::test::reason_of;
using runed::test::Running;

namespace v1 = runed::v1;

namespace {

constexpr double kSame = 0.9999;

v1::EmbedRequest request_for(const std::string& text) {
  v1::EmbedRequest request;
  request.set_text(text);
  return request;
}

Answer<v1::EmbedResponse> embed(const OldClient& client, const v1::EmbedRequest& request) {
  return client.call<v1::EmbedResponse>(kEmbed, request);
}

v1::EmbedResponse embedded(const OldClient& client, const v1::EmbedRequest& request) {
  auto [status, reply] = embed(client, request);
  INFO(status.error_message());
  REQUIRE(status.ok());
  return reply;
}

std::vector<float> floats(const v1::EmbedResponse& reply) {
  return {reply.vector().begin(), reply.vector().end()};
}

void check_same(const v1::EmbedResponse& a, const v1::EmbedResponse& b) {
  CHECK(a.token_count() == b.token_count());
  CHECK(cosine(floats(a), floats(b)) >= kSame);
}

std::string repeated(const std::string& word, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += word;
  return text;
}

}  // namespace

TEST_CASE("a query is given to the model behind its task, to the letter", "[conformance]") {
  PromptedHome home;
  const Running daemon = home.serve();
  const OldClient client(home);
  auto query = request_for("gravity");
  query.set_input_type(v1::INPUT_TYPE_QUERY);
  const auto by_default = embedded(client, query);
  check_same(by_default, embedded(client, request_for(PromptedHome::prompted("gravity"))));
  // A prompt that is nearly right would be told apart.
  const auto near = embedded(client, request_for(PromptedHome::prompted(" gravity")));
  CHECK(cosine(floats(by_default), floats(near)) < kSame);

  query.set_instruction("Find physics");
  const auto by_task = embedded(client, query);
  check_same(by_task, embedded(client, request_for("Instruct: Find physics\nQuery:gravity")));
  CHECK(cosine(floats(by_default), floats(by_task)) < kSame);

  v1::EmbedBatchRequest batch;
  batch.add_texts("gravity");
  batch.set_input_type(v1::INPUT_TYPE_QUERY);
  batch.set_instruction("Find physics");
  const auto [status, reply] = client.call<v1::EmbedBatchResponse>(kEmbedBatch, batch);
  REQUIRE(status.ok());
  check_same(reply.embeddings(0), by_task);
}

TEST_CASE("a document is given to the model behind its own prompt", "[conformance]") {
  PromptedHome home;
  const Running daemon = home.serve();
  const OldClient client(home);
  auto document = request_for("gravity");
  document.set_input_type(v1::INPUT_TYPE_DOCUMENT);
  check_same(embedded(client, document), embedded(client, request_for("doc: gravity")));
  CHECK(cosine(client.vector("gravity"), floats(embedded(client, document))) < kSame);
}

TEST_CASE("a text of no type, or for a model without prompts, is given to it as it is",
          "[conformance]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  auto document = request_for("gravity");
  document.set_input_type(v1::INPUT_TYPE_DOCUMENT);
  check_same(embedded(client, document), embedded(client, request_for("gravity")));
  CHECK(cosine(client.vector("gravity"), floats(embedded(client, document))) >= kSame);
  document.set_instruction("Find physics");  // Which would be lost.
  CHECK(embed(client, document).status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  auto query = request_for("gravity");
  query.set_input_type(v1::INPUT_TYPE_QUERY);
  check_same(embedded(client, query), embedded(client, request_for("gravity")));
  query.set_instruction("Find physics");  // As it would be here.
  const grpc::Status refused = embed(client, query).status;
  CHECK(refused.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(refused.error_message() ==
        "cannot give 'runed-mini' an instruction: it takes no prompt with a query");
}

TEST_CASE("an option that is not known is refused, not taken for another one", "[conformance]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  auto type = request_for("text");
  type.set_input_type(static_cast<v1::InputType>(3));
  auto truncation = request_for("text");
  truncation.set_truncate(static_cast<v1::Truncate>(3));
  for (const auto& request : {type, truncation}) {
    const grpc::Status status = embed(client, request).status;
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(status.error_message().find("unknown") != std::string::npos);
    CHECK(status.error_message().find('3') != std::string::npos);
  }
}

TEST_CASE("dimensions from the fewest to the native ones are a prefix of unit length",
          "[conformance]") {
  PromptedHome home;
  const Running daemon = home.serve();
  const OldClient client(home);
  const auto native = static_cast<uint32_t>(client.info().vector_dim());
  const auto whole = floats(embedded(client, request_for("text")));
  REQUIRE(whole.size() == native);
  for (const uint32_t dimensions : {32U, 33U, native - 1, native}) {
    CAPTURE(dimensions);
    auto request = request_for("text");
    request.set_dimensions(dimensions);
    const auto cut = floats(embedded(client, request));
    REQUIRE(cut.size() == dimensions);
    CHECK(cosine(cut, {whole.begin(), whole.begin() + dimensions}) > 0.999999);
    double squares = 0;
    for (const float value : cut) squares += static_cast<double>(value) * value;
    CHECK(std::sqrt(squares) == Approx(1.0).margin(1e-5));
  }
  for (const uint32_t dimensions : {1U, 31U, native + 1, UINT32_MAX}) {
    CAPTURE(dimensions);
    auto request = request_for("text");
    request.set_dimensions(dimensions);
    const grpc::Status status = embed(client, request).status;
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    const auto info = error_info(status);
    CHECK(info.reason() == "BAD_DIMENSIONS");
    CHECK(info.metadata().at("dimensions") == std::to_string(dimensions));
    CHECK(info.metadata().at("minimum") == "32");
    CHECK(info.metadata().at("maximum") == std::to_string(native));
  }
}

TEST_CASE("a text is cut at the side that was asked for, and its end stays", "[conformance]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  const int limit = client.info().max_text_length();
  const auto first = embedded(client, request_for(repeated(" word", limit - 1)));
  const auto last = embedded(client, request_for(repeated(" stone", limit - 1)));
  REQUIRE(first.token_count() == static_cast<uint32_t>(limit));  // A token a word, and the end.
  REQUIRE(last.token_count() == static_cast<uint32_t>(limit));
  CHECK(first.tokens_dropped() == 0);
  CHECK(cosine(floats(first), floats(last)) < 0.99);

  auto request = request_for(repeated(" word", limit - 1) + repeated(" stone", limit - 1));
  const grpc::Status refused = embed(client, request).status;
  CHECK(reason_of(refused) == "TEXT_TOO_LONG");
  CHECK(error_info(refused).metadata().at("tokens") == std::to_string(2 * limit - 1));
  CHECK(error_info(refused).metadata().at("limit") == std::to_string(limit));

  request.set_truncate(v1::TRUNCATE_RIGHT);
  const auto right = embedded(client, request);
  check_same(right, first);
  CHECK(right.tokens_dropped() == static_cast<uint32_t>(limit - 1));
  request.set_truncate(v1::TRUNCATE_LEFT);
  const auto left = embedded(client, request);
  check_same(left, last);
  CHECK(left.tokens_dropped() == static_cast<uint32_t>(limit - 1));
}

TEST_CASE("a text of a batch that is refused is named by its place", "[conformance]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  const auto status_of = [&](const std::vector<std::string>& texts) {
    v1::EmbedBatchRequest request;
    for (const auto& text : texts) request.add_texts(text);
    return client.call<v1::EmbedBatchResponse>(kEmbedBatch, request).status;
  };
  const grpc::Status empty = status_of({"text", "text", ""});
  CHECK(empty.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(reason_of(empty) == "EMPTY_TEXT");
  CHECK(error_info(empty).metadata().at("index") == "2");
  CHECK(empty.error_message() == "text 2: the text is empty");
  const grpc::Status alone = status_of({""});
  CHECK(error_info(alone).metadata().at("index") == "0");
  CHECK(alone.error_message() == "the text is empty");
}

TEST_CASE("Info names the model in both contracts alike", "[conformance]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  const auto [status, info] = client.call<v1::InfoResponse>(kInfo, v1::InfoRequest());
  REQUIRE(status.ok());
  const auto before = client.info();
  CHECK(before.model_identity() == "sha256:" + info.model_sha256().substr(0, 16));
  CHECK(info.model_sha256().size() == 64);
  CHECK(before.vector_dim() == info.vector_dim());
  CHECK(before.max_text_length() == info.max_tokens());
  CHECK(before.daemon_version() == info.daemon_version());
  CHECK(before.centroid_set_version().empty());
}
