#include "cmd/line/model_text.hpp"

#include "base/json.hpp"
#include "support/catch.hpp"

using runed::Json;
using runed::Prompt;
using runed::client::InfoReport;
using runed::client::ModelReport;
using namespace runed::cmd;

TEST_CASE("an engine is told with its version, and with the details that there are") {
  CHECK(describe_engine("native", "", {"int8", "avx512"}) == "native, int8, avx512");
  CHECK(describe_engine("llama-server", "b11669", {"speed", ""}) == "llama-server b11669, speed");
}

TEST_CASE("who says something of a model is told in words") {
  CHECK(describe_source("model_file") == "by the model's file");
  CHECK(describe_source("manifest") == "by the manifest");
  CHECK(describe_source("known_model") == "of a model that runed knows");
  CHECK(describe_source("unknown") == "unknown");
}

TEST_CASE("prompts are told as they stand, with who says so") {
  InfoReport info;
  CHECK(describe_prompts(info).empty());
  info.prompt_source = "unknown";
  CHECK(describe_prompts(info) == "none is known");
  info.prompt_source = "manifest";
  info.query_prompt = Prompt{"a\n{task}: ", "t"};
  info.document_prompt = Prompt{};
  info.named_prompts = {{"query", "a\nt: "}, {"document", ""}};
  const std::string both = R"("a\n{task}: " for queries, none for documents (by the manifest))";
  CHECK(describe_prompts(info) == both);
  info.named_prompts.push_back({"clustering", "c: "});
  info.named_prompts.push_back({"passage", "p: "});
  CHECK(describe_prompts(info) == both + "; by name clustering, passage");
  info.default_prompt_name = "passage";
  CHECK(describe_prompts(info) == both + "; by name clustering, passage; passage for other texts");
}

TEST_CASE("limits are told as a range where vectors can be cut") {
  InfoReport info;
  info.vector_dim = 256;
  info.max_tokens = 512;
  CHECK(describe_limits(info) == "256 dimensions, 512 tokens a text");
  info.min_dimensions = 64;
  info.max_tokens_source = "context_length";
  CHECK(describe_limits(info) == "64 to 256 dimensions, 512 tokens a text");
}

TEST_CASE("a longest text that is not the number of positions is told with who says so") {
  InfoReport info;
  info.vector_dim = 384;
  info.max_tokens = 256;
  info.max_tokens_source = "known_model";
  CHECK(describe_limits(info) == "384 dimensions, 256 tokens a text (of a model that runed knows)");
  info.max_tokens_source = "ctx_size";
  CHECK(describe_limits(info) == "384 dimensions, 256 tokens a text (by the setting ctx_size)");
  info.pooling = "rank";
  CHECK(describe_limits(info) ==
        "scores of pairs of texts, 256 tokens a pair (by the setting ctx_size)");
}

TEST_CASE("a state is told as what it means for a model") {
  CHECK(describe_state("ok") == "loaded");
  CHECK(describe_state("idle") == "not loaded");
  CHECK(describe_state("loading") == "loading");
  CHECK(describe_state("not_running") == "not_running");
}

TEST_CASE("a prompt without a place for a task has none in JSON") {
  CHECK(prompt_json({}).is_null());
  CHECK(prompt_json(Prompt{"q: ", ""}) == Json{{"prefix", "q: "}, {"default_task", nullptr}});
  CHECK(prompt_json(Prompt{"", "t"}) == Json{{"prefix", ""}, {"default_task", "t"}});
}

TEST_CASE("what is not known of a model is null, and every key is there") {
  ModelReport unknown;
  unknown.names = {"notes"};
  unknown.health.state = "not_running";
  const Json models = models_json({unknown});
  REQUIRE(models.size() == 1);
  const Json expected{{"name", "notes"},
                      {"names", {"notes"}},
                      {"default", false},
                      {"state", "not_running"},
                      {"phase", nullptr},
                      {"bytes_done", 0},
                      {"bytes_total", 0},
                      {"message", nullptr},
                      {"reason", nullptr},
                      {"variant", nullptr},
                      {"path", nullptr},
                      {"file_bytes", nullptr},
                      {"memory_bytes", 0},
                      {"keep_alive", nullptr},
                      {"used_at", nullptr},
                      {"requests", 0},
                      {"queue_tokens", 0},
                      {"restarts", 0},
                      {"evictions", 0},
                      {"model_identity", nullptr},
                      {"model_name", nullptr},
                      {"engine", nullptr},
                      {"engine_version", nullptr},
                      {"compute", nullptr},
                      {"kernel", nullptr},
                      {"vector_dim", nullptr},
                      {"min_dimensions", nullptr},
                      {"max_tokens", nullptr},
                      {"max_tokens_source", nullptr},
                      {"query_prompt", nullptr},
                      {"document_prompt", nullptr},
                      {"prompt_source", nullptr},
                      {"prompt_names", nullptr},
                      {"default_prompt_name", nullptr}};
  CHECK(models[0] == expected);
  CHECK(models_json({}) == Json::array());
}

TEST_CASE("a model in JSON is told by its first name, and has what is known of it") {
  ModelReport model;
  model.names = {"notes", "sha256:0123456789abcdef"};
  model.is_default = true;
  model.keep_alive = "10m";
  model.path = "/m/notes.gguf";
  model.file_bytes = 1000;
  model.memory_bytes = 2000;
  model.evictions = 3;
  model.used_at = runed::SystemTime(std::chrono::seconds(1'767'323'045));
  model.model_identity = "sha256:0123456789abcdef";
  model.engine = "native";
  model.vector_dim = 256;
  model.query_prompt = Prompt{"q: ", ""};
  model.named_prompts = {{"query", "q: "}, {"clustering", "c: "}};
  model.health = {.state = "ok", .requests = 7};
  const Json json = models_json({model})[0];
  CHECK(json["name"] == "notes");
  CHECK(json["names"] == Json{"notes", "sha256:0123456789abcdef"});
  CHECK(json["default"] == true);
  CHECK(json["state"] == "ok");
  CHECK(json["path"] == "/m/notes.gguf");
  CHECK(json["file_bytes"] == 1000);
  CHECK(json["memory_bytes"] == 2000);
  CHECK(json["keep_alive"] == "10m");
  CHECK(json["used_at"] == "2026-01-02T03:04:05.000Z");
  CHECK(json["requests"] == 7);
  CHECK(json["evictions"] == 3);
  CHECK(json["model_identity"] == "sha256:0123456789abcdef");
  CHECK(json["vector_dim"] == 256);
  CHECK(json["query_prompt"]["prefix"] == "q: ");
  CHECK(json["prompt_names"] == Json{"query", "clustering"});
}
