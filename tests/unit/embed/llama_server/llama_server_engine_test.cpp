#include "embed/llama_server/llama_server_engine.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <numeric>
#include <thread>

#include "stage.hpp"
#include "support/eventually.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Json;
using runed::embed::builtin_model_sha256;
using runed::embed::TokenId;
using runed::test::contains;
using runed::test::eventually;
using runed::test::Ids;
using runed::test::is_gone;
using runed::test::read_record;
using runed::test::Stage;
using runed::test::Texts;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

constexpr uint32_t kDimension = Stage::kDimension;

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

TEST_CASE("a model that is not what was promised is not served") {
  Stage stage({});
  stage.use_file([](std::string&) {});
  stage.options.promised_sha256 = std::string(64, 'b');
  CHECK(unwrap_error(stage.make().start()).code == ErrorCode::model_corrupt);
  CHECK(stage.starts().empty());
}
