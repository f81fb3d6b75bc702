// The end of a daemon as its clients see it (B-031, B-042 to B-044, B-061, B-225 to B-231).
#include <csignal>
#include <filesystem>

#include "raw_client.hpp"
#include "stand_in_home.hpp"
#include "support/eventually.hpp"

using runed::test::check_health;
using runed::test::eventually;
using runed::test::Finished;
using runed::test::Home;
using runed::test::kService;
using runed::test::mode_of;
using runed::test::OldClient;
using runed::test::read_text;
using runed::test::reason_of;
using runed::test::Route;
using runed::test::Running;
using runed::test::StandInHome;
using runed::test::write_text;
using namespace std::chrono_literals;

namespace fs = std::filesystem;
namespace old = predecessor::v1;
using Health = old::HealthResponse;

namespace {

constexpr int kNotServing = 2;

void wait_for_requests(const OldClient& client, int64_t count) {
  REQUIRE(eventually([&] { return client.health().total_requests() == count; }));
}

// What everybody is told from the moment on that the end was asked for.
void check_shutting_down(const OldClient& client, const std::string& info) {
  const Health health = client.health();
  CHECK(health.status() == Health::STATUS_SHUTTING_DOWN);
  CHECK(health.phase() == Health::PHASE_UNSPECIFIED);
  CHECK(health.bytes_done() == 0);
  CHECK(health.bytes_total() == 0);
  CHECK(health.message().empty());
  CHECK(health.total_requests() == 2);
  CHECK(client.info().SerializeAsString() == info);
  CHECK(check_health(client, "").reply == kNotServing);
  CHECK(check_health(client, kService).reply == kNotServing);
  for (const grpc::Status& refused : {client.embed("late").status, client.embed_batch({"a"}).status,
                                      client.embed("late", Route::with).status}) {
    // UNAVAILABLE is what makes a client of the predecessor try again, and start another (B-238).
    CHECK(refused.error_code() == grpc::StatusCode::UNAVAILABLE);
    CHECK(reason_of(refused) == "SHUTTING_DOWN");
  }
}

}  // namespace

TEST_CASE("the socket is for its owner alone (B-031, B-032)", "[conformance]") {
  Home home;
  const Running daemon = home.serve();
  CHECK(fs::is_socket(home / "embedding.sock"));
  CHECK(mode_of(home / "embedding.sock") == 0700);
  CHECK(mode_of(home.path()) == 0700);
}

TEST_CASE(
    "what is under way when Shutdown comes is answered, and nothing else is taken "
    "(B-061, B-226, B-227, B-231)",
    "[conformance]") {
  StandInHome home;
  Running daemon = home.serve();
  home.hold_answers();
  const OldClient client(home);
  const std::string info = client.info().SerializeAsString();
  auto one = client.begin_embed("abc");
  auto many = client.begin<old::EmbedBatchResponse>(runed::test::kEmbedBatch,
                                                    runed::test::many_texts({"ab", "abcd"}));
  wait_for_requests(client, 2);
  CHECK(client.shut_down().reply.accepted());
  check_shutting_down(client, info);
  CHECK(client.shut_down(1).reply.accepted());  // Again, which changes nothing.
  CHECK(eventually([&] { return !fs::exists(home / "embedding.sock"); }));
  CHECK_FALSE(one.has_ended());
  home.give_answers();
  const auto [one_status, one_reply] = one.finish();
  CHECK(one_status.ok());
  CHECK(one_reply.vector_size() == StandInHome::kDimension);
  const auto [many_status, many_reply] = many.finish();
  CHECK(many_status.ok());
  CHECK(many_reply.embeddings_size() == 2);
  CHECK(daemon.finish().exit_code == 0);
}

TEST_CASE("a signal is a Shutdown to those who are connected (B-225)", "[conformance]") {
  StandInHome home;
  Running daemon = home.serve();
  home.hold_answers();
  const OldClient client(home);
  const std::string info = client.info().SerializeAsString();
  auto one = client.begin_embed("abc");
  auto two = client.begin_embed("ab");
  wait_for_requests(client, 2);
  daemon.signal(SIGTERM);
  client.wait_for(Health::STATUS_SHUTTING_DOWN);
  check_shutting_down(client, info);
  home.give_answers();
  CHECK(one.finish().status.ok());
  CHECK(two.finish().status.ok());
  CHECK(daemon.finish().exit_code == 0);
}

// W-03: the predecessor did not look at grace_seconds, and waited 10 s.
TEST_CASE("grace_seconds is how long requests under way are waited for (B-226)", "[conformance]") {
  StandInHome home({"after=1", "hang-but-healthy"});
  Running daemon = home.serve();
  const OldClient client(home);
  auto hanging = client.begin_embed("abc");
  wait_for_requests(client, 1);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(client.shut_down(1).reply.accepted());
  const grpc::Status cut = hanging.finish().status;
  CHECK(std::chrono::steady_clock::now() - begin >= 1s);
  CHECK(cut.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(reason_of(cut) == "SHUTTING_DOWN");
  CHECK(daemon.finish().exit_code == 0);
  CHECK(std::chrono::steady_clock::now() - begin < 9s);
}

// B-044, W-26: there the child was killed before the drain.
TEST_CASE(
    "a daemon whose socket was replaced answers what is under way and leaves the other alone "
    "(B-042, B-043)",
    "[conformance]") {
  StandInHome home;
  Running daemon = home.serve();
  home.hold_answers();
  const OldClient client(home);
  const std::string info = client.info().SerializeAsString();
  auto one = client.begin_embed("abc");
  auto two = client.begin_embed("ab");
  wait_for_requests(client, 2);
  write_text(home / "other", "precious");
  fs::rename(home / "other", home / "embedding.sock");
  client.wait_for(Health::STATUS_SHUTTING_DOWN);
  check_shutting_down(client, info);
  home.give_answers();
  CHECK(one.finish().status.ok());
  CHECK(two.finish().status.ok());
  const Finished ended = daemon.finish();
  CAPTURE(ended.err);
  CHECK(ended.exit_code == 0);
  CHECK(ended.err.find("self-evicting") != std::string::npos);
  CHECK(ended.err.find("received Shutdown RPC") == std::string::npos);
  CHECK(read_text(home / "embedding.sock") == "precious");
}
