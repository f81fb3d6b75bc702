#include "embed/llama_server/llama_server_embedder.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <fstream>
#include <numeric>
#include <thread>

#include "embed/builtin_model.hpp"
#include "os/files.hpp"
#include "os/process.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"
#include "support/stand_in.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Json;
using runed::Result;
using runed::Status;
using runed::SystemClock;
using runed::embed::builtin_model;
using runed::embed::builtin_model_sha256;
using runed::embed::TokenId;
using runed::embed::llama_server::LlamaServerEmbedder;
using runed::embed::llama_server::LlamaServerOptions;
using runed::embed::llama_server::Profile;
using runed::test::eventually;
using runed::test::read_record;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_stand_in;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

using Ids = std::vector<TokenId>;
using Texts = std::vector<Ids>;

constexpr uint32_t kDimension = 256;  // Of the built-in model.
const SystemClock kClock;

// Stands for patience in tests where nobody waits for its end.
constexpr milliseconds kLong = std::chrono::minutes(1);

// An engine on a stand-in, with everything that it leaves in a directory of the test.
struct Stage {
  explicit Stage(std::vector<std::string> modes) {
    modes.push_back(fmt::format("dimension={}", kDimension));
    modes.push_back("record=" + dir / "record");
    options = {.executable = write_stand_in(dir / "server", modes),
               .source = {.bytes = builtin_model(), .path = {}},
               .sha256 = std::string(builtin_model_sha256()),
               .model_copy_path = dir / "model.gguf",
               .socket_path = dir / "x.sock",
               .log_path = dir / "server.log",
               .threads = 2,
               .is_compared = false,
               .patience = {.listen = kLong,
                            .load = kLong,
                            .stop = milliseconds(200),
                            .answer = {.silence = kLong, .pass = kLong}}};
  }

  LlamaServerEmbedder& make() {
    engine = unwrap(LlamaServerEmbedder::create(options, kClock));
    engine->on_death([this] { ++deaths; });
    return *engine;
  }
  LlamaServerEmbedder& start() {
    make();
    unwrap(engine->start());
    return *engine;
  }

  Result<std::vector<float>> embed(const Texts& texts) {
    Ids ids;
    std::vector<uint32_t> offsets{0};
    for (const Ids& text : texts) {
      ids.insert(ids.end(), text.begin(), text.end());
      offsets.push_back(static_cast<uint32_t>(ids.size()));
    }
    std::vector<float> vectors(texts.size() * kDimension);
    TRY(engine->embed({.ids = ids, .offsets = offsets}, vectors));
    return vectors;
  }

  // Those that serve, not those that only tell what the build can do.
  std::vector<Json> starts() const {
    std::vector<Json> serving = read_record(dir / "record").starts;
    std::erase_if(serving, [](const Json& start) {
      return !std::ranges::any_of(start["arguments"], [](const Json& a) { return a == "--host"; });
    });
    return serving;
  }
  std::string last_flag(const char* name) const {
    const Json arguments = starts().back()["arguments"];
    return *std::next(std::ranges::find(arguments, Json(name)));
  }
  // Serves a file of the test's own: the built-in model, changed.
  void use_file(const std::function<void(std::string&)>& change) {
    const auto bytes = builtin_model();
    std::string model(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    change(model);
    options.source = {.bytes = {}, .path = dir / "own.gguf"};
    options.sha256.clear();
    runed::test::write_text(options.source.path + ".new", model);
    std::filesystem::rename(options.source.path + ".new", options.source.path);
  }
  int last_pid() { return starts().back()["pid"]; }
  std::string crash_copy() { return runed::test::read_text(dir / "server.crash.log"); }

  TempDir dir;
  LlamaServerOptions options;
  std::atomic<int> deaths{0};
  std::unique_ptr<LlamaServerEmbedder> engine;
};

void with_context_8192(std::string& model) {
  const std::string key = "qwen3.context_length";
  const uint32_t context = 8192;
  std::memcpy(model.data() + model.find(key) + key.size() + sizeof(uint32_t), &context,
              sizeof(context));
}

Ids text_of(size_t tokens, TokenId first = 100) {
  Ids ids(tokens);
  std::iota(ids.begin(), ids.end(), first);
  return ids;
}

bool is_gone(int pid) {
  return runed::os::wait_for_exit(pid, seconds(10));
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a started engine describes the model and its server") {
  Stage stage({});
  const auto& info = stage.start().info();
  CHECK(info.engine == "llama-server");
  CHECK(contains(info.version, "0.0.1"));
  CHECK(info.model_name == "runed-mini");
  CHECK(info.model_sha256 == builtin_model_sha256());
  CHECK(info.compute == "speed");
  CHECK(info.kernel == "cpu");
  CHECK(info.dimension == kDimension);
  CHECK(info.max_tokens == 512);
  CHECK(stage.engine->tokenizer() != nullptr);
}

TEST_CASE("the server gets the ids of the texts, and its vectors come back in their order") {
  Stage stage({});
  stage.start();
  const Texts texts{{1, 2, 3}, {4}, {5, 6}};
  const auto together = unwrap(stage.embed(texts));
  CHECK(read_record(stage.dir / "record").bodies("/v1/embeddings").back()["input"] ==
        Json{{1, 2, 3}, {4}, {5, 6}});
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto alone = unwrap(stage.embed({texts[i]}));
    CHECK(std::equal(alone.begin(), alone.end(),
                     together.begin() + static_cast<std::ptrdiff_t>(i * kDimension)));
  }
}

TEST_CASE("a pass is cut into requests of what the server computes at a time") {
  Stage stage({});
  stage.start();
  unwrap(stage.embed({text_of(300), text_of(200), text_of(20), text_of(500)}));
  std::vector<size_t> sizes;
  for (const Json& body : read_record(stage.dir / "record").bodies("/v1/embeddings")) {
    sizes.push_back(body["input"].size());
  }
  std::ranges::sort(sizes);  // Two are under way at a time, and come in any order.
  CHECK(sizes == std::vector<size_t>{1, 1, 1, 2});  // The first text of the start is one of them.
}

TEST_CASE("the server runs in an environment of ours") {
  Stage stage({});
  ::setenv("LLAMA_ARG_POOLING", "mean", 1);
  stage.start();
  ::unsetenv("LLAMA_ARG_POOLING");
  const Json environment = stage.starts().back()["environment"];
  CHECK(environment.contains("PATH"));
  CHECK_FALSE(environment.contains("LLAMA_ARG_POOLING"));
}

TEST_CASE("numbers instead of base64 are understood") {
  Stage stage({"no-base64"});
  stage.start();
  CHECK(unwrap(stage.embed({{1, 2}})).size() == kDimension);
}

TEST_CASE("a server without Unix sockets listens on a port and wants a key") {
  Stage stage({"old"});
  stage.start();
  unwrap(stage.embed({{1, 2}}));
  const auto record = read_record(stage.dir / "record");
  const std::string key = record.requests.back()["authorization"];
  CHECK(key.size() == std::string_view("Bearer ").size() + 64);
  for (const auto& argument : record.starts.back()["arguments"]) {
    CHECK_FALSE(contains(argument.get<std::string>(), key.substr(7)));
  }
}

TEST_CASE("a text longer than the context gets a server with more of it, until it is stopped") {
  Stage stage({});
  stage.use_file(with_context_8192);
  stage.start();
  CHECK(stage.last_flag("--ctx-size") == "2048");
  CHECK(unwrap(stage.embed({text_of(3000)})).size() == kDimension);
  CHECK(stage.last_flag("--ctx-size") == "4352");
  unwrap(stage.embed({text_of(4300)}));
  CHECK(stage.starts().size() == 2);
  unwrap(stage.embed({text_of(8192)}));
  unwrap(stage.embed({text_of(3000)}));
  CHECK(stage.last_flag("--ctx-size") == "8448");
  CHECK(unwrap_error(stage.embed({text_of(8193)})).code == ErrorCode::text_too_long);
  CHECK(stage.starts().size() == 3);
  stage.engine->stop();
  unwrap(stage.engine->start());
  CHECK(stage.last_flag("--ctx-size") == "2048");
}

TEST_CASE("a build that cannot cut a long text gets a server that need not") {
  Stage stage({"refuses-over-ubatch"});
  stage.use_file(with_context_8192);
  stage.start();
  CHECK(unwrap(stage.embed({text_of(1000), {1}})).size() == 2 * kDimension);
  CHECK(stage.last_flag("--ubatch-size") == "2048");
  CHECK(unwrap(stage.embed({text_of(1500)})).size() == kDimension);
  CHECK(stage.starts().size() == 2);
}

TEST_CASE("a file that is written to while it is served gives no vector") {
  Stage stage({});
  stage.use_file([](std::string&) {});
  stage.start();
  {
    std::ofstream file(stage.options.source.path, std::ios::app | std::ios::binary);
    file << "x";
  }
  const Error error = unwrap_error(stage.embed({{1}}));
  CHECK(error.code == ErrorCode::engine_died);
  CHECK(error.message == "'" + stage.options.source.path + "' was written to while it was served");
}

TEST_CASE("starts that fail say why, and leave no process") {
  struct Case {
    std::string mode;
    ErrorCode code;
    std::string message;
  };
  const std::vector<Case> cases{
      {"never-opens-socket", ErrorCode::engine_died, "llama-server does not open its socket"},
      {"never-healthy", ErrorCode::engine_died, "llama-server does not become ready"},
      {"exits-at-once=3", ErrorCode::engine_died, "llama-server exited with code 3"},
      {"exits-at-once=0", ErrorCode::engine_died, "llama-server exited with code 0 before it was"},
      {"garbage", ErrorCode::engine_fault, "llama-server answered what is no JSON"},
      {"cut-body", ErrorCode::engine_fault, "llama-server broke its answer off"},
      {"endless-body", ErrorCode::engine_fault, "llama-server broke its answer off: more than"},
      {"nan", ErrorCode::not_finite, "the vector of text 0 is not finite"},
      {"zero-vector", ErrorCode::engine_fault, "a vector of length 0 where 1 was expected"},
      {"wrong-norm", ErrorCode::engine_fault, "a vector of length 3 where 1 was expected"},
      {"too-few", ErrorCode::engine_fault, "0 vectors for 1 texts"},
      {"wrong-dimension", ErrorCode::engine_fault, "a vector of 257 floats where 256"},
      {"status=500", ErrorCode::engine_fault, "llama-server answered HTTP 500: "},
      {"hang-but-healthy", ErrorCode::engine_died, "llama-server hangs"},
      {"crash-on-request=1", ErrorCode::engine_died, "llama-server was killed by SIGABRT"},
  };
  for (const auto& [mode, code, message] : cases) {
    CAPTURE(mode);
    Stage stage({mode});
    stage.options.patience.listen = milliseconds(500);
    stage.options.patience.load = milliseconds(1000);
    stage.options.patience.answer = {.silence = milliseconds(500),
                                     .pass = milliseconds(1500),
                                     .pass_per_token = milliseconds(0)};
    const Error error = unwrap_error(stage.make().start());
    CHECK(error.code == code);
    CAPTURE(error.message);
    CHECK(contains(error.message, message));
    CHECK(is_gone(stage.last_pid()));
    CHECK_FALSE(runed::os::exists(stage.options.socket_path));
    CHECK(stage.engine->tokenizer() == nullptr);
  }
}

TEST_CASE("a server whose vectors are not the model's is found out before it is ready") {
  Stage stage({});
  stage.options.is_compared = true;
  const Error error = unwrap_error(stage.make().start());
  CHECK(error.code == ErrorCode::engine_fault);
  CHECK(contains(error.message, "llama-server and the native engine disagree on this model"));
  CHECK(is_gone(stage.last_pid()));
}

TEST_CASE("a server that ends is quoted, and its last lines are kept") {
  Stage stage({"exits-at-once=3"});
  const Error error = unwrap_error(stage.make().start());
  CHECK(contains(error.message, "llama-server exited with code 3 before it was ready: "));
  CHECK(error.hint == "see '" + stage.dir / "server.log" + "'");
  CHECK(contains(stage.crash_copy(), "exited with code 3"));
}

TEST_CASE("a line of ten megabytes does not stop a server") {
  Stage stage({"prints-long-line=10000000"});
  stage.start();
  CHECK(unwrap(stage.embed({{1}})).size() == kDimension);
}

TEST_CASE("a fault of one text leaves the server running") {
  Stage stage({"status-on-token=7"});
  stage.start();
  CHECK(unwrap_error(stage.embed({{1}, {7}})).code == ErrorCode::engine_fault);
  CHECK(unwrap(stage.embed({{1}})).size() == kDimension);
  CHECK(stage.starts().size() == 1);
}

TEST_CASE("a vector that is not finite is never passed on") {
  Stage stage({"nan-on-token=7"});
  stage.start();
  const Error error = unwrap_error(stage.embed({{1}, {2}, {7}}));
  CHECK(error.code == ErrorCode::not_finite);
  CHECK(error.details.at("index") == "2");
}

TEST_CASE("a server that crashes on a text has died, and can be started again") {
  for (const auto& [mode, signal, number] : {std::tuple{"crash-on-token=7", "SIGABRT", SIGABRT},
                                             std::tuple{"segv-on-token=7", "SIGSEGV", SIGSEGV}}) {
    CAPTURE(mode);
    Stage stage({mode});
    stage.start();
    const Error error = unwrap_error(stage.embed({{1}, {7}}));
    CHECK(error.code == ErrorCode::engine_died);
    CHECK(contains(error.message, fmt::format("llama-server was killed by {}", signal)));
    CHECK(error.details.at("signal") == std::to_string(number));
    unwrap(stage.engine->start());
    CHECK(unwrap(stage.embed({{1}})).size() == kDimension);
  }
}

TEST_CASE("a server that somebody else kills is told apart, and told at once") {
  Stage stage({});
  stage.start();
  for (const int signal : {SIGKILL, SIGTERM}) {
    CAPTURE(signal);
    const int deaths = stage.deaths;
    unwrap(runed::os::signal_process(stage.last_pid(), signal));
    REQUIRE(eventually([&] { return stage.deaths == deaths + 1; }));
    CHECK(unwrap_error(stage.embed({})).code == ErrorCode::engine_killed);
    unwrap(stage.engine->start());
    CHECK(unwrap(stage.embed({{1}})).size() == kDimension);
  }
}

TEST_CASE("a server that is stopped while it computes has died") {
  Stage stage({"hang-but-healthy", "after=1"});
  stage.options.patience.answer.silence = milliseconds(2500);
  stage.start();
  std::jthread stopper([&] {
    if (eventually([&] { return read_record(stage.dir / "record").requests.size() > 2; })) {
      unwrap(runed::os::signal_process(stage.last_pid(), SIGSTOP));
    }
  });
  const Error error = unwrap_error(stage.embed({{1}}));
  CHECK(error.code == ErrorCode::engine_died);
  CHECK(contains(error.message, "llama-server hangs: it neither answers nor computes"));
  CHECK(is_gone(stage.last_pid()));
}

TEST_CASE("a server that is busy for longer than the limit of silence is left alone") {
  Stage stage({"slow=3000"});
  stage.options.patience.answer.silence = milliseconds(2000);
  stage.start();
  CHECK(unwrap(stage.embed({{1}})).size() == kDimension);
}

TEST_CASE("a server that grows is started anew between two passes") {
  Stage stage({"grows=900000000", "after=1"});
  stage.start();
  unwrap(stage.embed({{1}}));
  const int first = stage.last_pid();
  REQUIRE(eventually([&] {
    unwrap(stage.embed({{1}}));
    return stage.last_pid() != first;
  }));
  CHECK(is_gone(first));
  CHECK(stage.deaths == 0);
}

TEST_CASE("stop leaves nothing of a server and its group, and start brings it back") {
  for (const char* mode : {"ignores-term", "forks", "no-base64"}) {
    CAPTURE(mode);
    Stage stage({mode});
    stage.start();
    const int pid = stage.last_pid();
    stage.engine->stop();
    CHECK(is_gone(pid));
    CHECK(stage.engine->tokenizer() == nullptr);
    CHECK(stage.deaths == 0);
    CHECK(unwrap_error(stage.embed({{1}})).code == ErrorCode::unavailable);
    unwrap(stage.engine->start());
    CHECK(unwrap(stage.embed({{1}})).size() == kDimension);
  }
}

TEST_CASE("an interruption ends a start") {
  Stage stage({"never-healthy"});
  stage.make();
  std::jthread interrupter([&] {
    if (eventually([&] { return !stage.starts().empty(); })) stage.engine->interrupt();
  });
  CHECK(unwrap_error(stage.engine->start()).code == ErrorCode::shutting_down);
  CHECK(is_gone(stage.last_pid()));
}

TEST_CASE("an interruption ends a pass") {
  Stage stage({"hang-but-healthy", "after=1"});
  stage.start();
  std::jthread interrupter([&] {
    if (eventually([&] { return read_record(stage.dir / "record").requests.size() > 2; })) {
      stage.engine->interrupt();
    }
  });
  CHECK(unwrap_error(stage.embed({{1}})).code == ErrorCode::shutting_down);
}

TEST_CASE("a model file that was replaced is another model from the next start on") {
  Stage stage({});
  stage.use_file([](std::string&) {});
  stage.start();
  CHECK(stage.engine->info().model_sha256 == builtin_model_sha256());
  stage.engine->stop();
  stage.use_file([](std::string& model) { model.back() = static_cast<char>(model.back() ^ 1); });
  unwrap(stage.engine->start());
  CHECK(stage.engine->info().model_sha256 != builtin_model_sha256());
  stage.engine->stop();
  std::filesystem::remove(stage.options.source.path);
  CHECK(unwrap_error(stage.engine->start()).code == ErrorCode::model_missing);
}

TEST_CASE("a model that is not what was promised is not served") {
  Stage stage({});
  stage.use_file([](std::string&) {});
  stage.options.promised_sha256 = std::string(64, 'b');
  CHECK(unwrap_error(stage.make().start()).code == ErrorCode::model_corrupt);
  CHECK(stage.starts().empty());
}
