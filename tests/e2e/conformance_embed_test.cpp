// Embed and EmbedBatch as a client of the predecessor uses them (B-063, B-083 to B-094).
#include <cmath>
#include <filesystem>

#include "raw_client.hpp"
#include "stand_in_home.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"

using runed::test::Answer;
using runed::test::cosine;
using runed::test::error_info;
using runed::test::eventually;
using runed::test::floats;
using runed::test::Home;
using runed::test::kEmbed;
using runed::test::kEmbedBatch;
using runed::test::kHealth;
using runed::test::kInfo;
using runed::test::kReferenceCosine;
using runed::test::kShutdown;
using runed::test::many_texts;
using runed::test::OldClient;
using runed::test::one_text;
using runed::test::read_text;
using runed::test::reason_of;
using runed::test::reference_texts;
using runed::test::Running;
using runed::test::StandInHome;
using namespace std::chrono_literals;

namespace fs = std::filesystem;
namespace old = predecessor::v1;
using Health = old::HealthResponse;

namespace {

constexpr size_t kReplyLimit = 4 << 20;  // gRPC's, of a client that set nothing.
constexpr double kSameText = 0.9999;     // Alone or in any batch.

double length_of(const std::vector<float>& vector) {
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * value;
  return std::sqrt(squares);
}

std::vector<std::string> numbered_texts(int count) {
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) texts.push_back("text " + std::to_string(i));
  return texts;
}

// What a successor of the predecessor might send: fields that nobody here knows, of each wire type.
std::string unknown_fields() {
  std::string bytes;
  bytes += "\x18\x07";                           // 3: varint.
  bytes += std::string("\x79", 1) + "12345678";  // 15: 64 bits.
  bytes +=
      "\xA2\x06\x03"
      "abc";                            // 100: 3 bytes.
  bytes += "\xAB\x06\x08\x01\xAC\x06";  // 101: a group, and no enum.
  bytes +=
      "\x85\x7D"
      "1234";  // 2000: 32 bits.
  return bytes;
}

// The numbers of the fields that the predecessor does not know.
void check_are_ours(const google::protobuf::Message& message) {
  const auto& unknown = message.GetReflection()->GetUnknownFields(message);
  for (int i = 0; i < unknown.field_count(); ++i) CHECK(unknown.field(i).number() >= 101);
}

// The promise of max_batch_size: so many texts are answered to a client that set nothing, and one
// more is refused.
old::EmbedBatchResponse check_batch_limit(const OldClient& client) {
  const int most = client.info().max_batch_size();
  REQUIRE(most >= 32);  // What the predecessor named, and what its clients may have built in.
  const auto [status, reply] = client.embed_batch(numbered_texts(most));
  CAPTURE(most, status.error_message());
  REQUIRE(status.ok());
  REQUIRE(reply.embeddings_size() == most);
  for (const auto& embedding : reply.embeddings()) {
    REQUIRE(embedding.vector_size() == client.info().vector_dim());
  }
  const auto refused = client.embed_batch(numbered_texts(most + 1)).status;
  CHECK(refused.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(reason_of(refused) == "BATCH_TOO_LARGE");
  CHECK(error_info(refused).metadata().at("texts") == std::to_string(most + 1));
  CHECK(error_info(refused).metadata().at("limit") == std::to_string(most));
  return reply;
}

}  // namespace

TEST_CASE("a text is answered with a vector of unit length and no route (B-083, B-084)",
          "[conformance]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  for (const size_t i : {size_t{0}, size_t{5}}) {
    const auto& reference = reference_texts()[i];
    const auto [status, reply] = client.embed(reference.text);
    REQUIRE(status.ok());
    CHECK(reply.vector_size() == client.info().vector_dim());
    CHECK(cosine(floats(reply), reference.vector) >= kReferenceCosine);
    CHECK(length_of(floats(reply)) == Approx(1.0).margin(1e-5));
    CHECK(reply.cluster_id() == 0);
    CHECK(reply.centroid_set_version().empty());
    check_are_ours(reply);
  }
}

TEST_CASE("a batch is answered in its order, each as if it were alone (B-063, B-085)",
          "[conformance]") {
  Home home;
  home.set("RUNED_CACHE_MB", "0");  // Which would answer with the vectors of the batch.
  const Running daemon = home.serve();
  const OldClient client(home);
  // Two that are alike, and lengths in no order.
  const std::vector<std::string> texts{"one", "a text that is rather longer than the others are",
                                       "two", "one", "three words here"};
  const auto [status, reply] = client.embed_batch(texts);
  REQUIRE(status.ok());
  REQUIRE(reply.embeddings_size() == static_cast<int>(texts.size()));
  for (size_t i = 0; i < texts.size(); ++i) {
    CAPTURE(i);
    const auto& embedding = reply.embeddings(static_cast<int>(i));
    CHECK(cosine(floats(embedding), client.vector(texts[i])) >= kSameText);
    CHECK(embedding.cluster_id() == 0);
    CHECK(embedding.centroid_set_version().empty());
    check_are_ours(embedding);
  }
  CHECK(cosine(floats(reply.embeddings(0)), floats(reply.embeddings(2))) < 0.99);
  // Calls count, whatever they hold.
  CHECK(client.health().total_requests() == 1 + static_cast<int>(texts.size()));
}

TEST_CASE("an empty batch is answered with nothing, and counts (B-086)", "[conformance]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  const auto [status, reply] = client.embed_batch({});
  CHECK(status.ok());
  CHECK(reply.embeddings_size() == 0);
  CHECK(client.health().total_requests() == 1);
}

// A client of the predecessor can wake the model with it, before it has a text.
TEST_CASE("an empty batch wakes a model that sleeps (B-086)", "[conformance]") {
  Home home;
  home.set("RUNED_IDLE_TIMEOUT", "1s");
  const Running daemon = home.serve();
  const OldClient client(home);
  client.wait_for(Health::STATUS_IDLE);
  CHECK(client.embed_batch({}).status.ok());
  CHECK(client.health().status() == Health::STATUS_OK);
}

// B-068, B-087: the predecessor named 32 and took any number, whose reply might not arrive.
TEST_CASE("max_batch_size is a promise to a client that set nothing", "[conformance]") {
  Home home;
  const Running daemon = home.serve();
  check_batch_limit(OldClient(home));
}

TEST_CASE("max_batch_size is a promise for vectors of 1024 floats, too", "[conformance]") {
  StandInHome home;
  const Running daemon = home.serve();
  const OldClient client(home);
  const old::EmbedBatchResponse reply = check_batch_limit(client);
  CHECK(client.info().vector_dim() == 1024);
  CHECK(reply.ByteSizeLong() < kReplyLimit);
  CHECK(reply.ByteSizeLong() > kReplyLimit * 9 / 10);  // No smaller than it has to be.
}

// B-087, B-088: the predecessor failed with UNKNOWN, and the text of its child.
TEST_CASE("a text that is too long is refused, and its batch with it", "[conformance]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  const int limit = client.info().max_text_length();
  std::string text;
  for (int i = 0; i < limit; ++i) text += " word";
  const grpc::Status alone = client.embed(text).status;
  CHECK(alone.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  const auto info = error_info(alone);
  CHECK(info.reason() == "TEXT_TOO_LONG");
  CHECK(info.metadata().at("tokens") == std::to_string(limit + 1));  // The end is a token, too.
  CHECK(info.metadata().at("limit") == std::to_string(limit));
  CHECK(client.embed(text.substr(std::string(" word").size())).status.ok());

  const grpc::Status batch = client.embed_batch({"short", "short, too", text, "short"}).status;
  CHECK(batch.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(reason_of(batch) == "TEXT_TOO_LONG");
  CHECK(error_info(batch).metadata().at("index") == "2");
  CHECK(client.health().total_requests() == 3);  // Those that fail count as well (B-063).
}

// B-089: UNKNOWN with any text, in the predecessor.
TEST_CASE("a text that the engine cannot bear is told by code and reason, and costs no other",
          "[conformance]") {
  StandInHome home(
      {"crash-on-token=" + std::to_string('#'), "nan-on-token=" + std::to_string('~')});
  const Running daemon = home.serve();
  const OldClient client(home);
  struct Bad {
    const char* text;
    const char* reason;
  };
  for (const auto& [text, reason] :
       {Bad{"crash #", "ENGINE_CRASHED_ON_TEXT"}, Bad{"not a number ~", "NOT_FINITE"}}) {
    CAPTURE(text);
    auto other = client.begin_embed("beside it");
    const grpc::Status alone = client.embed(text).status;
    CHECK(alone.error_code() == grpc::StatusCode::INTERNAL);
    CHECK(reason_of(alone) == reason);
    const grpc::Status batch = client.embed_batch({"good", text, "good, too"}).status;
    CHECK(batch.error_code() == grpc::StatusCode::INTERNAL);
    CHECK(reason_of(batch) == reason);
    CHECK(error_info(batch).metadata().at("index") == "1");
    CHECK(other.finish().status.ok());
    CHECK(client.health().status() == Health::STATUS_OK);
  }
}

TEST_CASE("a call ends with its deadline, and when it is cancelled (B-089, B-090)",
          "[conformance]") {
  StandInHome home;
  const Running daemon = home.serve();
  home.hold_answers();
  const OldClient client(home);
  auto busy = client.begin_embed("abc");
  REQUIRE(eventually([&] { return client.health().total_requests() == 1; }));
  CHECK(client.begin_embed("ab", 100ms).finish().status.error_code() ==
        grpc::StatusCode::DEADLINE_EXCEEDED);
  auto cancelled = client.begin_embed("a");
  REQUIRE(eventually([&] { return client.health().total_requests() == 3; }));
  cancelled.cancel();
  CHECK(cancelled.finish().status.error_code() == grpc::StatusCode::CANCELLED);
  CHECK_FALSE(busy.has_ended());
  home.give_answers();
  CHECK(busy.finish().status.ok());
  CHECK(client.embed("after them").status.ok());
}

// B-093: grpc-go refuses messages of more than 4 MiB. A full batch of ours may be larger.
TEST_CASE("a large request is read, and one without measure refused by the transport",
          "[conformance]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  const grpc::Status large = client.embed(std::string(5 << 20, 'a')).status;
  CHECK(large.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(reason_of(large) == "TEXT_TOO_LONG");
  const grpc::Status immense = client.embed(std::string(65 << 20, 'a')).status;
  CHECK(immense.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(client.embed("text").status.ok());
}

TEST_CASE("texts are in no log, whatever becomes of them (B-094)", "[conformance]") {
  StandInHome home({"crash-on-token=" + std::to_string('#')});
  Running daemon = home.serve();
  const OldClient client(home);
  CHECK(client.embed("secret").status.ok());
  CHECK(client.embed_batch({"secret one", "secret two"}).status.ok());
  CHECK(reason_of(client.embed("secret crash #").status) == "ENGINE_CRASHED_ON_TEXT");
  CHECK(reason_of(client.embed("secret" + std::string(500, ' ')).status) == "TEXT_TOO_LONG");
  CHECK(client.shut_down().status.ok());
  const std::string log = daemon.finish().err;
  CHECK(log.find("llama-server ready") != std::string::npos);
  CHECK(log.find("secret") == std::string::npos);
  for (const auto& entry : fs::recursive_directory_iterator(home / "logs")) {
    CAPTURE(entry.path().string());
    CHECK(read_text(entry.path()).find("secret") == std::string::npos);
  }
}

TEST_CASE("fields that nobody knows are ignored in every request", "[conformance]") {
  Home home;
  Running daemon = home.serve();
  const OldClient client(home);
  const auto call = [&](const std::string& method, const std::string& request) {
    auto answer = client.begin(method, request + unknown_fields()).finish();
    CAPTURE(method, answer.status.error_message());
    CHECK(answer.status.ok());
    return answer.reply;
  };
  old::EmbedResponse alone;
  REQUIRE(alone.ParseFromString(call(kEmbed, one_text("text").SerializeAsString())));
  CHECK(cosine(floats(alone), client.vector("text")) >= kSameText);
  old::EmbedBatchResponse batch;
  REQUIRE(batch.ParseFromString(call(kEmbedBatch, many_texts({"text"}).SerializeAsString())));
  CHECK(batch.embeddings_size() == 1);
  old::InfoResponse info;
  REQUIRE(info.ParseFromString(call(kInfo, "")));
  CHECK(info.vector_dim() == alone.vector_size());
  check_are_ours(info);
  old::HealthResponse health;
  REQUIRE(health.ParseFromString(call(kHealth, "")));
  CHECK(health.status() == Health::STATUS_OK);
  check_are_ours(health);
  old::ShutdownResponse shutdown;
  REQUIRE(shutdown.ParseFromString(call(kShutdown, "")));
  CHECK(shutdown.accepted());
  CHECK(daemon.finish().exit_code == 0);
}
