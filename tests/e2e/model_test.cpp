// What is known of the model that answers, and what follows from it: prompts, cuts, pooling.
#include <grpcpp/client_context.h>

#include <algorithm>
#include <functional>

#include "base/sha256.hpp"
#include "prompted_home.hpp"
#include "stand_in_home.hpp"
#include "stub.hpp"
#include "support/random_model.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::test::connect;
using runed::test::cosine;
using runed::test::Finished;
using runed::test::GgufBuilder;
using runed::test::Home;
using runed::test::PromptedHome;
using runed::test::RandomModel;
using runed::test::read_text;
using runed::test::Running;
using runed::test::StandInHome;
using runed::test::unwrap;
using runed::test::vector_of;
using runed::test::write_text;

namespace v1 = runed::v1;

namespace {

constexpr const char* kFixture = RUNED_TEST_DATA_UNPACKED "/qwen3-3x256.q8_0.gguf";

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

// A small model in a file beside the home, under a name and with changes to its header.
std::string write_model(const Home& home, const std::string& name,
                        const std::function<void(GgufBuilder&)>& change = {}) {
  const RandomModel model(RandomModel::TensorType::f32, runed::test::kBlockShape,
                          [&](GgufBuilder& header) {
                            header.set("general.name", name);
                            if (change) change(header);
                          });
  const std::string path = home.file("own.gguf");
  write_text(path, {reinterpret_cast<const char*>(model.file.data()), model.file.size()});
  return path;
}

// The real vocabulary under another name: it has no tensors that would have to be moved.
std::string write_vocabulary(const Home& home, const std::string& name) {
  const std::string stored = GgufBuilder::bytes_of(std::string("Qwen3 vocabulary (no tensors)"));
  std::string file = read_text(RUNED_TEST_DATA_UNPACKED "/qwen3-vocab.gguf");
  const size_t at = file.find(stored);
  REQUIRE(at != std::string::npos);
  file.replace(at, stored.size(), GgufBuilder::bytes_of(name));
  write_text(home.file("vocab.gguf"), file);
  return home.file("vocab.gguf");
}

void write_manifest(Home& home, const Json& model) {
  write_text(home.file("manifest.json"),
             runed::to_line(Json{{"version", 1}, {"models", {{"own", model}}}}));
  home.set("RUNED_MANIFEST", home.file("manifest.json"));
}

v1::InfoResponse info_of(const Home& home) {
  grpc::ClientContext context;
  v1::InfoResponse info;
  REQUIRE(connect(home)->Info(&context, {}, &info).ok());
  return info;
}

// Without a known prompt a query is embedded as it is, and one note says so, whichever way.
void check_queries_are_left_alone(Home& home, const std::string& note) {
  for (const char* way : {"--json", "--direct", "--ids"}) {
    CAPTURE(way);
    const Finished plain = home.run({"embed", way, "one", "two"});
    const Finished query = home.run({"embed", "--query", way, "one", "two"});
    CAPTURE(plain.err, query.err);
    REQUIRE(query.exit_code == 0);
    CHECK(query.out == plain.out);
    // With --json it is a line of JSON.
    const std::string begin = std::string_view(way) == "--json" ? "{\"note\":\"" : "runed: note: ";
    CHECK(count(query.err, begin + note) == 1);
    CHECK(count(query.err, note) == 1);
    CHECK(count(plain.err, note) == 0);
    const Finished instructed = home.run({"embed", "--instruct", "Find it", way, "one"});
    CHECK(instructed.exit_code == 2);
    CHECK(instructed.out.empty());
    CHECK(count(instructed.err, "cannot give '") == 1);
    CHECK(count(instructed.err, "' an instruction: ") == 1);
    CHECK(count(instructed.err, note) == 0);
  }
  const Json document = home.run({"embed", "--json", "--query", "one"}).json();
  CHECK(document["prompt"].is_null());
  CHECK(document["prompt_source"].is_null());
}

// No command gives vectors of it; each says why.
void check_refused(Home& home, const std::string& why) {
  for (const char* way : {"--json", "--direct"}) {
    const Finished refused = home.run({"embed", way, "text"});
    CAPTURE(way, refused.err);
    CHECK(refused.exit_code == 71);
    CHECK(refused.out.empty());
    CHECK(refused.err.find(why) != std::string::npos);
    home.run({"shutdown", "--wait", "10"});
  }
}

}  // namespace

TEST_CASE("a query to the built-in model, which takes no prompt, is left as it is", "[model]") {
  Home home;
  home.set("RUNED_MODEL", "builtin:runed-mini");
  check_queries_are_left_alone(
      home, "'runed-mini' takes no prompt with queries, so they are embedded as they are");
}

TEST_CASE("a query to a model that nobody knows is left as it is", "[model]") {
  Home home;
  home.set("RUNED_MODEL", kFixture);
  check_queries_are_left_alone(home,
                               "no prompt is known for queries of 'fixture: 3 layers, random "
                               "weights', so they are embedded as they are");
  const v1::InfoResponse info = info_of(home);
  CHECK(info.prompt_source() == "unknown");
  CHECK_FALSE(info.has_query_prompt());
  CHECK_FALSE(info.has_document_prompt());
  CHECK(info.min_dimensions() == 0);
  CHECK(info.pooling().name() == "last");
  CHECK(info.pooling().source() == "model_file");
  const Json status = home.status();
  CHECK(status["query_prompt"].is_null());
  CHECK(status["prompt_source"] == "unknown");
  CHECK(status["min_dimensions"].is_null());
  CHECK(status["pooling"] == "last");
  CHECK(home.run({"status"}).out.find("none is known") != std::string::npos);
}

TEST_CASE("a vector is cut only where the model is known to bear it", "[model]") {
  Home home;
  home.set("RUNED_MODEL", kFixture);
  for (const char* way : {"--json", "--direct"}) {
    CAPTURE(way);
    for (const char* dimensions : {"255", "128", "32", "257"}) {
      const Finished refused = home.run({"embed", way, "-d", dimensions, "text"});
      CHECK(refused.exit_code == 2);
      CHECK(refused.out.empty());
      CHECK(refused.err.find("has 256, and is not known to have been trained to be cut") !=
            std::string::npos);
    }
    CHECK(home.run({"embed", way, "-d", "256", "text"}).out ==
          home.run({"embed", way, "text"}).out);
  }
  v1::EmbedRequest request;
  request.set_text("text");
  request.set_dimensions(128);
  v1::EmbedResponse response;
  grpc::ClientContext context;
  const grpc::Status status = connect(home)->Embed(&context, request, &response);
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(status.error_message().find("is not known to have been trained to be cut") !=
        std::string::npos);
}

TEST_CASE("the name of a known model does not make another model it", "[model]") {
  Home home;
  home.set("RUNED_ENGINE", "native");
  home.set("RUNED_MODEL", write_model(home, "Qwen3-Embedding-0.6B"));
  check_queries_are_left_alone(home, "no prompt is known for queries of 'Qwen3-Embedding-0.6B'");
  CHECK(home.run({"embed", "-d", "32", "text"}).exit_code == 2);
  CHECK(home.status()["prompt_source"] == "unknown");
}

TEST_CASE("what the manifest says of a file is told, with who says so", "[model]") {
  PromptedHome home;
  const std::string prompt = PromptedHome::prompted("");
  for (const char* way : {"--json", "--direct", "--ids"}) {
    CAPTURE(way);
    const Finished query = home.run({"embed", "--json", "--query", way, "gravity"});
    CAPTURE(query.err);
    CHECK(query.json()["prompt"] == prompt);
    CHECK(query.json()["prompt_source"] == "manifest");
    CHECK(count(query.err, "note") == 0);
    const Json task = home.run({"embed", "--json", "--instruct", "Find it", way, "gravity"}).json();
    CHECK(task["prompt"] == "Instruct: Find it\nQuery:");
    const Json plain = home.run({"embed", "--json", way, "gravity"}).json();
    CHECK(plain["prompt"].is_null());
    CHECK(plain["embeddings"] != query.json()["embeddings"]);
    const Json spelt = home.run({"embed", "--json", way, prompt + "gravity"}).json();
    CHECK(spelt["embeddings"] == query.json()["embeddings"]);
  }
  const v1::InfoResponse info = info_of(home);
  CHECK(info.query_prompt().prefix() == "Instruct: {task}\nQuery:");
  CHECK(info.query_prompt().default_task() == PromptedHome::kDefaultTask);
  CHECK(info.document_prompt().prefix() == "doc: ");
  CHECK(info.prompt_source() == "manifest");
  CHECK(info.pooling().source() == "model_file");
  CHECK(info.min_dimensions() == 32);
  const Json status = home.status();
  CHECK(status["query_prompt"]["prefix"] == "Instruct: {task}\nQuery:");
  CHECK(status["query_prompt"]["default_task"] == PromptedHome::kDefaultTask);
  CHECK(status["document_prompt"]["default_task"].is_null());
  CHECK(status["prompt_source"] == "manifest");
  CHECK(status["min_dimensions"] == 32);
}

TEST_CASE("a model of the table is known by its file, to the letter of its prompt", "[model]") {
  Home home;
  home.set("RUNED_MODEL", write_vocabulary(home, "Qwen3 Embedding 0.6B"));
  const auto ids = [&home](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"embed", "--ids", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return home.run(arguments).json();
  };
  const std::string task =
      "Given a web search query, retrieve relevant passages that answer the query";
  const Json query = ids({"--query", "capital of China?"});
  CHECK(query["prompt"] == "Instruct: " + task + "\nQuery:");
  CHECK(query["prompt_source"] == "known_model");
  CHECK(query["embeddings"] ==
        ids({"Instruct: " + task + "\nQuery:capital of China?"})["embeddings"]);
  CHECK(ids({"--instruct", "Find", "capital"})["embeddings"] ==
        ids({"Instruct: Find\nQuery:capital"})["embeddings"]);

  home.set("RUNED_MODEL", write_vocabulary(home, "Qwen3 Embedding 4B"));
  CHECK(ids({"--query", "capital of China?"})["prompt"].is_null());
}

TEST_CASE("texts get the prompt that is named, and a name that there is not is refused",
          "[model]") {
  PromptedHome home;
  for (const char* way : {"--json", "--direct", "--ids"}) {
    CAPTURE(way);
    const auto run = [&](std::vector<std::string> arguments) {
      arguments.insert(arguments.begin(), {"embed", "--json", way});
      return home.run(arguments);
    };
    const Json document = run({"--document", "gravity"}).json();
    CHECK(document["prompt"] == "doc: ");
    CHECK(document["prompt_source"] == "manifest");
    CHECK(document["embeddings"] == run({"doc: gravity"}).json()["embeddings"]);
    CHECK(run({"--task", "document", "gravity"}).json() == document);
    CHECK(run({"--task", "query", "gravity"}).json() == run({"--query", "gravity"}).json());
    const Finished misspelt = run({"--task", "documents", "gravity"});
    CHECK(misspelt.exit_code == 2);
    CHECK(misspelt.out.empty());
    CHECK(misspelt.err.find("'runed-mini' has no prompt named 'documents'") != std::string::npos);
    CHECK(misspelt.err.find("did you mean 'document'? there are: query, document") !=
          std::string::npos);
    CHECK(run({"--task=", "gravity"}).exit_code == 2);
  }
  const Json status = home.status();
  CHECK(status["prompt_names"] == Json{"query", "document"});
  CHECK(status["default_prompt_name"].is_null());
  CHECK(status["max_tokens_source"] == "context_length");
  const v1::InfoResponse info = info_of(home);
  REQUIRE(info.named_prompts_size() == 2);
  CHECK(info.named_prompts(0).name() == "query");
  CHECK(info.named_prompts(0).text() == PromptedHome::prompted(""));
  CHECK(info.named_prompts(1).text() == "doc: ");
}

TEST_CASE("a task goes with neither queries nor documents on the command line", "[model]") {
  Home home;
  for (const char* other : {"--query", "--document", "--instruct=Find"}) {
    const Finished refused = home.run({"embed", "--task", "query", other, "text"});
    CAPTURE(other, refused.err);
    CHECK(refused.exit_code == 2);
    CHECK(refused.out.empty());
    CHECK(refused.err.find("--task") != std::string::npos);
  }
  CHECK(home.run({"embed", "--query", "--document", "text"}).exit_code == 2);
}

TEST_CASE("an instruction that is empty or blank is a mistake of the command line", "[model]") {
  PromptedHome home;
  for (const char* way : {"--json", "--direct", "--ids"}) {
    for (const char* task : {"--instruct=", "--instruct= ", "--instruct=\n"}) {
      const Finished refused = home.run({"embed", way, task, "text"});
      CAPTURE(way, refused.err);
      CHECK(refused.exit_code == 2);
      CHECK(refused.out.empty());
    }
    const Finished refused = home.run({"embed", way, "--instruct", "", "text"});
    CHECK(refused.exit_code == 2);
    CHECK(refused.err.find("--instruct is blank: it takes the task of the queries") !=
          std::string::npos);
    CHECK(refused.err.find("--query alone") != std::string::npos);
  }
  CHECK(home.status()["running"] == false);
}

TEST_CASE("a document gets its prompt by any call, from an engine that is not ours", "[model]") {
  StandInHome home({}, [](GgufBuilder& header) {
    header.set("general.name", "E5 Large v2")
        .set("general.architecture", "bert")
        .set("bert.block_count", uint32_t{24})
        .set("bert.context_length", uint32_t{StandInHome::kMaxTokens})
        .set("bert.embedding_length", uint32_t{StandInHome::kDimension})
        .set("bert.feed_forward_length", uint32_t{4096})
        .set("bert.attention.head_count", uint32_t{16})
        .set("bert.attention.layer_norm_epsilon", 1e-12F)
        .set("bert.attention.causal", false)
        .set("bert.pooling_type", uint32_t{1})
        .set("tokenizer.ggml.model", "rwkv")  // Not ours: the stand-in's is asked.
        .set("tokenizer.ggml.bos_token_id", uint32_t{0})
        .set("tokenizer.ggml.eos_token_id", uint32_t{2})
        .set("tokenizer.ggml.add_bos_token", true)
        .set("tokenizer.ggml.add_eos_token", true)
        .set("tokenizer.ggml.tokens", std::vector<std::string>(30522, "t"));
  });
  const Running daemon = home.serve();
  const auto tokens = [&home](v1::InputType type) {
    v1::EmbedRequest request;
    request.set_text("text");
    request.set_input_type(type);
    v1::EmbedResponse response;
    grpc::ClientContext context;
    REQUIRE(connect(home)->Embed(&context, request, &response).ok());
    return response.token_count();
  };
  const uint32_t plain = tokens(v1::INPUT_TYPE_UNSPECIFIED);  // A token a byte.
  CHECK(tokens(v1::INPUT_TYPE_DOCUMENT) == plain + std::string("passage: ").size());
  CHECK(tokens(v1::INPUT_TYPE_QUERY) == plain + std::string("query: ").size());
  const v1::InfoResponse info = info_of(home);
  CHECK(info.query_prompt().prefix() == "query: ");
  CHECK(info.query_prompt().default_task().empty());
  CHECK(info.document_prompt().prefix() == "passage: ");
  CHECK(info.prompt_source() == "known_model");
  const Finished refused = home.run({"embed", "--instruct", "Find it", "text"});
  CHECK(refused.exit_code == 2);
  CHECK(refused.err.find("the prompt for its queries has no task") != std::string::npos);
}

TEST_CASE("a model that nobody knows the pooling of is refused by both engines", "[model]") {
  const std::string why =
      "nobody says how a text becomes one vector: the file has no key 'qwen3.pooling_type', and "
      "neither the manifest nor the table of known models has the model 'own'";
  Home home;
  home.set("RUNED_MODEL", write_model(home, "own", [](GgufBuilder& header) {
             header.erase("qwen3.pooling_type");
           }));
  check_refused(home, why);
  home.set("RUNED_ENGINE", "native");
  check_refused(home, why);
  StandInHome other({}, [](GgufBuilder& header) { header.erase("llama-embed.pooling_type"); });
  check_refused(other, "the file has no key 'llama-embed.pooling_type'");
  CHECK(other.run({"doctor"}).exit_code == 5);
  const Finished verified = other.run({"verify"});
  CHECK(verified.exit_code == 76);
  CHECK(verified.out.find("the file has no key 'llama-embed.pooling_type'") != std::string::npos);
}

TEST_CASE("a model that gives no vector of a text is refused by both engines", "[model]") {
  for (const auto& [number, why] :
       {std::pair(uint32_t{0}, "is 0 (none)"), std::pair(uint32_t{4}, "reranker")}) {
    Home home;
    home.set("RUNED_MODEL", write_model(home, "own", [&](GgufBuilder& header) {
               header.set("qwen3.pooling_type", number);
             }));
    check_refused(home, why);
    StandInHome other({},
                      [&](GgufBuilder& header) { header.set("llama-embed.pooling_type", number); });
    check_refused(other, why);
  }
}

TEST_CASE("a pooling that only the manifest knows is that of the vectors", "[model]") {
  Home home;
  home.set("RUNED_ENGINE", "native");
  const std::string path = write_model(home, "own");
  home.set("RUNED_MODEL", path);
  const Json said = home.run({"embed", "--direct", "--json", "text"}).json();
  // The same file, but for the name of the key.
  std::string file = read_text(path);
  const std::string key = "qwen3.pooling_type";
  file.replace(file.find(key), key.size(), "qwen3.pooling_none");
  write_text(path, file);
  write_manifest(home, {{"sha256", runed::sha256_hex(read_text(path))}, {"pooling", "last"}});
  const Json told = home.run({"embed", "--json", "text"}).json();
  CHECK(told["embeddings"] == said["embeddings"]);
  CHECK(home.status()["pooling_source"] == "manifest");
  CHECK(home.run({"embed", "--direct", "--json", "text"}).json()["embeddings"] ==
        said["embeddings"]);
  CHECK(home.run({"embed", "--ids", "text"}).exit_code == 0);
  write_manifest(home, {{"sha256", runed::sha256_hex(read_text(path))}, {"pooling", "mean"}});
  const Json mean = home.run({"embed", "--direct", "--json", "text"}).json();
  CHECK(mean["embeddings"] != said["embeddings"]);
}

TEST_CASE("a path that is no file is a fault of the model, whatever the system calls it",
          "[model]") {
  Home home;
  for (const std::string& path : {home.path() + "/..", std::string("/dev/null")}) {
    home.set("RUNED_MODEL", path);
    check_refused(home, ", not a regular file");
  }
}
