// What a client of the predecessor sees in each state (B-060 to B-070, B-080 to B-082, B-150 to
// B-152):
// Health, Info, Embed, EmbedBatch and grpc.health.v1 Check. SHUTTING_DOWN has a file of its
// own.
#include <csignal>
#include <filesystem>
#include <future>
#include <set>
#include <utility>

#include "engine_processes.hpp"
#include "install_support.hpp"
#include "os/process/process.hpp"
#include "raw_client.hpp"
#include "stand_in_home.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"

using runed::test::Answer;
using runed::test::check_health;
using runed::test::engine_process;
using runed::test::error_info;
using runed::test::eventually;
using runed::test::held_body;
using runed::test::Home;
using runed::test::kService;
using runed::test::Mirror;
using runed::test::OldClient;
using runed::test::reason_of;
using runed::test::retry_seconds;
using runed::test::Route;
using runed::test::Running;
using runed::test::StandInHome;
using runed::test::unwrap;
using runed::test::write_text;
using namespace std::chrono_literals;

namespace fs = std::filesystem;
namespace old = predecessor::v1;
using Health = old::HealthResponse;

namespace {

constexpr int kServing = 1;
constexpr int kNotServing = 2;

void check_standard_health(const OldClient& client, int expected) {
  for (const std::string& service : {std::string(), kService}) {
    CAPTURE(service);
    const auto [status, serving] = check_health(client, service);
    CHECK(status.ok());
    CHECK(serving == expected);
  }
}

void check_is_bootstrapping(const grpc::Status& status) {
  CHECK(status.error_code() == grpc::StatusCode::FAILED_PRECONDITION);
  CHECK(status.error_message() == "daemon is bootstrapping; embed not yet available");
  CHECK(reason_of(status) == "BOOTSTRAPPING");
}

// What every LOADING has in common.
void check_loading(const OldClient& client) {
  CHECK(client.health().status() == Health::STATUS_LOADING);
  const old::InfoResponse info = client.info();
  CHECK(info.daemon_version().starts_with("v"));
  CHECK(info.model_identity().empty());
  CHECK(info.max_text_length() == 0);
  // The predecessor said 1024 and 32 whatever came (W-04); ours tells what it knows.
  CHECK(info.vector_dim() == 0);
  CHECK(info.max_batch_size() == 0);
  check_is_bootstrapping(client.embed("text").status);
  check_is_bootstrapping(client.embed_batch({"one", "two"}).status);
  check_is_bootstrapping(client.embed_batch({}).status);
  // B-082: before it is asked whether there are centroids.
  check_is_bootstrapping(client.embed("text", Route::with).status);
  check_is_bootstrapping(client.embed_batch({"text"}, Route::with).status);
  CHECK(client.health().total_requests() == 0);  // B-063
  check_standard_health(client, kNotServing);
}

// A mirror whose file at `path` comes by half only, and how many bytes that is.
uint64_t stall(Mirror& mirror, const std::string& path, const runed::test::HttpBody& body) {
  mirror.server.reply(path, {.body = body, .stall_after = body.size_bytes / 2});
  return body.size_bytes / 2;
}

}  // namespace

TEST_CASE("while the manifest is fetched Health tells no phase (B-061, B-064, B-080)",
          "[conformance]") {
  Mirror mirror;
  mirror.server.reply("/manifest.json", {.body = mirror.small, .stall_after = 1});
  Home home;
  home.set("RUNED_MANIFEST", mirror.manifest_url());
  const Running daemon = home.start({"serve"});
  const OldClient client(home);
  REQUIRE(eventually([&] { return mirror.requests("/manifest.json") == 1; }));
  const Health health = client.health();
  CHECK(health.phase() == Health::PHASE_UNSPECIFIED);
  CHECK(health.message().starts_with("the manifest comes over http"));  // Else: fetching manifest.
  CHECK(health.bytes_done() == 0);
  CHECK(health.bytes_total() == 0);
  check_loading(client);
}

TEST_CASE("while llama-server is fetched Health tells phase 1 and its bytes (B-061, B-069, B-080)",
          "[conformance]") {
  Mirror mirror;
  const uint64_t half = stall(mirror, "/server.tar.gz", mirror.archive);
  Home home;
  home.set("RUNED_MANIFEST", mirror.manifest_url());
  home.set("RUNED_ENGINE", "llama-server");
  home.set("RUNED_LLAMA_SERVER", "");
  const Running daemon = home.start({"serve"});
  const OldClient client(home);
  Health health;
  REQUIRE(eventually([&] {
    health = client.health();
    return health.phase() == Health::PHASE_FETCHING_LLAMA_SERVER &&
           health.bytes_done() == static_cast<int64_t>(half);
  }));
  CHECK(health.bytes_total() == static_cast<int64_t>(mirror.archive.size_bytes));
  CHECK(health.message() == "fetching llama-server");
  check_loading(client);
}

TEST_CASE("while the model is fetched Health tells phase 2 and its bytes (B-061, B-062, B-080)",
          "[conformance]") {
  Mirror mirror;
  const uint64_t half = stall(mirror, "/tiny.gguf", mirror.small);
  Home home;
  home.set("RUNED_MANIFEST", mirror.manifest_url());
  const Running daemon = home.start({"serve"});
  const OldClient client(home);
  Health health;
  REQUIRE(eventually([&] {
    health = client.health();
    return health.bytes_done() == static_cast<int64_t>(half);
  }));
  CHECK(health.phase() == Health::PHASE_FETCHING_MODEL);
  CHECK(health.bytes_total() == static_cast<int64_t>(mirror.small.size_bytes));
  CHECK(health.message() == "fetching tiny.q8_0");  // The predecessor did not name it.
  check_loading(client);
  // From the start of the daemon, not from when it is ready.
  CHECK(eventually([&] { return client.health().uptime_seconds() >= 1; }));
}

// W-05: -1 in the predecessor; its proto, and ours, say 0.
TEST_CASE("a size that nobody tells is 0 (B-069)", "[conformance]") {
  Mirror mirror;
  const uint64_t half = mirror.small.size_bytes / 2;
  mirror.server.reply(
      "/tiny.gguf",
      {.body = mirror.small, .changed_headers = {{"Content-Length", ""}}, .stall_after = half});
  mirror.document["models"]["tiny.q8_0"].erase("size");
  mirror.publish();
  Home home;
  home.set("RUNED_MANIFEST", mirror.manifest_url());
  const Running daemon = home.start({"serve"});
  const OldClient client(home);
  Health health;
  std::set<int64_t> totals;
  REQUIRE(eventually([&] {
    health = client.health();
    totals.insert(health.bytes_total());
    return health.bytes_done() == static_cast<int64_t>(half);
  }));
  CHECK(totals == std::set<int64_t>{0});
}

TEST_CASE("while the engine starts Health tells phase 3 (B-061, B-080)", "[conformance]") {
  StandInHome home({"never-healthy"});
  const Running daemon = home.start({"serve"});
  const OldClient client(home);
  Health health;
  REQUIRE(eventually([&] {
    health = client.health();
    return health.phase() == Health::PHASE_STARTING_LLAMA_SERVER;
  }));
  CHECK(health.bytes_done() == 0);
  CHECK(health.bytes_total() == 0);
  CHECK(health.message() == "loading the model");  // `starting llama-server`, of either engine.
  check_loading(client);
}

TEST_CASE("a start is seen as LOADING, then OK, and each embed as told (B-051, B-060, B-080)",
          "[conformance]") {
  Mirror mirror;
  const uint64_t piece = mirror.small.size_bytes / 20;
  std::promise<void> seen;
  mirror.server.reply("/tiny.gguf",
                      {.body = held_body(mirror.small, 2 * piece, seen.get_future().share()),
                       .piece_bytes = static_cast<size_t>(piece)});
  Home home;
  home.set("RUNED_MANIFEST", mirror.manifest_url());
  const Running daemon = home.start({"serve"});
  const OldClient client(home);
  int64_t bytes_done = 0;
  size_t refused = 0;
  bool is_seen = false;
  REQUIRE(eventually([&] {
    const Health health = client.health();
    if (health.phase() == Health::PHASE_FETCHING_MODEL) {
      CHECK(health.bytes_done() >= bytes_done);
      bytes_done = health.bytes_done();
    }
    const auto [status, reply] = client.embed("text");
    if (status.ok()) return true;
    check_is_bootstrapping(status);
    CHECK(health.status() == Health::STATUS_LOADING);
    if (++refused > 1 && bytes_done > 0 && !std::exchange(is_seen, true)) seen.set_value();
    return false;
  }));
  CHECK(refused > 1);
  CHECK(bytes_done > 0);
  const Health health = client.health();
  CHECK(health.status() == Health::STATUS_OK);
  CHECK(health.phase() == Health::PHASE_UNSPECIFIED);
  CHECK(health.bytes_done() == 0);
  CHECK(health.bytes_total() == 0);
  CHECK(health.message().empty());
  CHECK(health.total_requests() == 1);  // Those that were refused do not count (B-063).
  CHECK(client.info().model_identity() == mirror.small_identity());
  check_standard_health(client, kServing);
}

// W-07: in the predecessor Health and Info, asked often enough, kept the model in memory (B-152).
TEST_CASE(
    "a daemon that is watched all the time becomes IDLE, and an embed wakes it "
    "(B-095, B-150, B-151)",
    "[conformance]") {
  Home home;
  home.set("RUNED_CACHE_MB", "0");  // What is remembered need not wake anybody.
  home.set("RUNED_IDLE_TIMEOUT", "300ms");
  const Running daemon = home.serve();
  const OldClient client(home);
  const auto before = client.vector("text");
  const old::InfoResponse info = client.info();
  Health health;
  REQUIRE(eventually([&] {
    client.info();
    check_health(client, kService);
    health = client.health();
    return health.status() == Health::STATUS_IDLE;
  }));
  CHECK(health.message() ==
        "embedder suspended after idle to free memory; the next request resumes it automatically");
  CHECK(health.phase() == Health::PHASE_UNSPECIFIED);
  CHECK(health.bytes_done() == 0);
  CHECK(health.bytes_total() == 0);
  CHECK(health.total_requests() == 1);
  CHECK(client.info().SerializeAsString() == info.SerializeAsString());
  check_standard_health(client, kServing);  // Whoever asks it to embed is served.

  // B-081: the model is not woken to tell that there are no centroids, nor is that a request.
  for (const grpc::Status& refused :
       {client.embed("text", Route::with).status, client.embed_batch({"text"}, Route::with).status,
        client.embed_batch({}, Route::with).status}) {
    CHECK(refused.error_code() == grpc::StatusCode::FAILED_PRECONDITION);
    CHECK(refused.error_message().starts_with("no centroid set loaded; "));
    CHECK(reason_of(refused) == "NO_CENTROID_SET");
  }
  health = client.health();
  CHECK(health.status() == Health::STATUS_IDLE);
  CHECK(health.total_requests() == 1);

  CHECK(runed::test::cosine(client.vector("text"), before) > 0.9999);
  health = client.health();
  CHECK(health.status() == Health::STATUS_OK);
  CHECK(health.total_requests() == 2);
}

// B-092: the model may go between the request and its pass.
TEST_CASE("a model that is given back at every moment costs no answer (B-092)", "[conformance]") {
  Home home;
  home.set("RUNED_ENGINE", "native");
  home.set("RUNED_IDLE_TIMEOUT", "1ms");
  const Running daemon = home.serve();
  const OldClient client(home);
  size_t idle = 0;
  for (int i = 0; i < 200; ++i) {
    const auto answer = client.embed("text " + std::to_string(i));
    CAPTURE(i, answer.status.error_message());
    REQUIRE(answer.status.ok());
    // So that the next one comes a little later than the last one did.
    for (int asked = 0; asked < i % 16; ++asked) {
      if (client.health().status() == Health::STATUS_IDLE) ++idle;
    }
  }
  CHECK(idle > 0);
}

// W-06: B-067 showed DEGRADED. W-12: whoever waited for it could not leave.
TEST_CASE("a slow wake-up is no fault, and a caller can leave it", "[conformance]") {
  StandInHome home({"loads-for=1000"});
  home.set("RUNED_IDLE_TIMEOUT", "200ms");
  const Running daemon = home.serve();
  const OldClient client(home);
  client.wait_for(Health::STATUS_IDLE);
  const auto begin = std::chrono::steady_clock::now();
  auto waiting = client.begin_embed("abc");
  CHECK(client.begin_embed("ab", 100ms).finish().status.error_code() ==
        grpc::StatusCode::DEADLINE_EXCEEDED);
  CHECK_FALSE(waiting.has_ended());
  std::set<Health::Status> seen;
  while (!waiting.has_ended()) seen.insert(client.health().status());
  CHECK(waiting.finish().status.ok());
  CHECK(std::chrono::steady_clock::now() - begin >= 900ms);
  CHECK(seen.contains(Health::STATUS_IDLE));
  CHECK_FALSE(seen.contains(Health::STATUS_DEGRADED));
  CHECK_FALSE(seen.contains(Health::STATUS_LOADING));
}

// B-089: what was UNKNOWN has a code and a reason.
TEST_CASE("a model that is lost makes the daemon DEGRADED, and OK again when it is back (B-061)",
          "[conformance]") {
  Home home;
  const std::string path = home.file("model.gguf");
  fs::copy_file(RUNED_TEST_DATA_UNPACKED "/qwen3-3x256.q8_0.gguf", path);
  home.set("RUNED_MODEL", path);
  home.set("RUNED_ENGINE", "native");
  home.set("RUNED_IDLE_TIMEOUT", "200ms");
  const Running daemon = home.serve();
  const OldClient client(home);
  const std::string info = client.info().SerializeAsString();
  client.wait_for(Health::STATUS_IDLE);
  write_text(path, "this is not a model, but it is long enough to look at");
  const grpc::Status damaged = client.embed("text").status;
  CHECK(damaged.error_code() == grpc::StatusCode::FAILED_PRECONDITION);
  CHECK(reason_of(damaged) == "MODEL_CORRUPT");
  const Health health = client.health();
  CHECK(health.status() == Health::STATUS_DEGRADED);
  CHECK(health.phase() == Health::PHASE_UNSPECIFIED);
  CHECK(health.message() == damaged.error_message());
  CHECK(health.total_requests() == 1);
  CHECK(client.info().SerializeAsString() == info);
  check_standard_health(client, kNotServing);
  CHECK(reason_of(client.embed("text", Route::with).status) == "NO_CENTROID_SET");

  fs::remove(path);
  const grpc::Status missing = client.embed_batch({"a", "b"}).status;
  CHECK(missing.error_code() == grpc::StatusCode::FAILED_PRECONDITION);
  CHECK(reason_of(missing) == "MODEL_MISSING");
  CHECK(client.health().status() == Health::STATUS_DEGRADED);

  fs::copy_file(RUNED_TEST_DATA_UNPACKED "/qwen3-3x256.q8_0.gguf", path);
  CHECK(client.embed("text").status.ok());
  CHECK(client.health().status() == Health::STATUS_OK);
  CHECK(client.info().SerializeAsString() == info);
  check_standard_health(client, kServing);
}

// W-16: in the predecessor each call paid for a start that failed.
TEST_CASE(
    "an engine that fails again and again makes the daemon DEGRADED, then refuse at once "
    "(B-061, B-089, B-140)",
    "[conformance]") {
  StandInHome home;
  const Running daemon = home.serve();
  const OldClient client(home);
  CHECK(client.embed("abc").status.ok());
  home.use({"exits-at-once=3"});
  unwrap(runed::os::signal_process(engine_process(home), SIGKILL));
  const Health restarting = client.wait_for(Health::STATUS_DEGRADED);
  CHECK(restarting.message().find("starting it again") != std::string::npos);
  check_standard_health(client, kNotServing);
  auto waiting = client.begin_embed("ab");
  REQUIRE(eventually([&] { return waiting.has_ended(); }));
  const grpc::Status spent = waiting.finish().status;
  CHECK(spent.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(reason_of(spent) == "ENGINE_RESTARTS_EXHAUSTED");
  CHECK(retry_seconds(spent).value_or(0) > 60);
  CHECK_FALSE(error_info(spent).metadata().at("reset_at").empty());

  const Health health = client.health();
  CHECK(health.status() == Health::STATUS_DEGRADED);
  CHECK(health.message() == spent.error_message());
  CHECK(client.info().vector_dim() == StandInHome::kDimension);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(reason_of(client.embed_batch({"a", "b"}).status) == "ENGINE_RESTARTS_EXHAUSTED");
  CHECK(std::chrono::steady_clock::now() - begin < 1s);
  check_standard_health(client, kNotServing);
}

// W-10: the predecessor asked its child for each Health, up to half a second.
TEST_CASE("a daemon that computes is OK, and says so at once (B-065, B-066)", "[conformance]") {
  StandInHome home;
  const Running daemon = home.serve();
  home.hold_answers();
  const OldClient client(home);
  auto busy = client.begin_embed("abc");
  REQUIRE(eventually([&] { return client.health().total_requests() == 1; }));
  for (int asked = 0; asked < 20; ++asked) {
    CHECK(client.health().status() == Health::STATUS_OK);
  }
  CHECK_FALSE(busy.has_ended());
  home.give_answers();
  CHECK(busy.finish().status.ok());
}
