// Rerankers, from the command line and from the wire.

#include <cmath>

#include "raw_client.hpp"
#include "runed/v1/runed.pb.h"
#include "runed_process.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::test::Answer;
using runed::test::Finished;
using runed::test::Home;
using runed::test::RawClient;
using runed::test::read_text;
using runed::test::write_text;
namespace v1 = runed::v1;

namespace {

constexpr int kUsage = 2;
constexpr int kNoInput = 66;
constexpr int kBlankLine = 67;
constexpr int kTooLong = 68;
constexpr int kModel = 71;

const std::string kRerank = "/runed.v1.RunedService/Rerank";

std::string tiny(const std::string& name) {
  return RUNED_TEST_DATA "/tiny/" + name;
}

// The documents of the reference that one query was compared with.
struct Reference {
  explicit Reference(const std::string& name) {
    const Json json = runed::test::unwrap(
        runed::parse_json(read_text(tiny(name) + "/reference.json"), runed::KeyLimit::none));
    query = json["pairs"][0][0];
    for (size_t i = 0; i < json["pairs"].size(); ++i) {
      if (json["pairs"][i][0] != query) continue;
      documents.push_back(json["pairs"][i][1]);
      scores.push_back(json["scores"][i]);
    }
    REQUIRE(documents.size() > 1);
  }

  std::string lines() const {
    std::string lines;
    for (const std::string& document : documents) lines += document + "\n";
    return lines;
  }

  std::string query;
  std::vector<std::string> documents;
  std::vector<double> scores;
};

void check_ranking(const Json& document, const Reference& reference, bool is_raw) {
  double before = INFINITY;
  REQUIRE(document["results"].size() == reference.documents.size());
  for (const Json& result : document["results"]) {
    const auto index = result["index"].get<size_t>();
    const double raw = reference.scores.at(index);
    CHECK(result["document"] == reference.documents[index]);
    CHECK(result["score"].get<double>() ==
          Approx(is_raw ? raw : 1 / (1 + std::exp(-raw))).margin(1e-4));
    CHECK(result["score"].get<double>() <= before);
    before = result["score"];
  }
}

v1::RerankRequest request_of(const std::string& query, const std::vector<std::string>& documents) {
  v1::RerankRequest request;
  request.set_query(query);
  for (const std::string& document : documents) request.add_documents(document);
  return request;
}

}  // namespace

TEST_CASE("rerank prints documents by the scores of transformers, the best first", "[rerank]") {
  Home home;
  const Reference reference("rerank-bert");
  home.set("RUNED_MODEL", tiny("rerank-bert"));
  home.set("RUNED_COMPUTE", "f32");
  const std::vector<std::string> asked{"rerank", reference.query, "--truncate", "right"};
  const auto with = [&](std::vector<std::string> more) {
    std::vector<std::string> all = asked;
    all.insert(all.end(), more.begin(), more.end());
    return home.run(all, reference.lines());
  };
  const Finished by_daemon = with({"--json"});
  REQUIRE(by_daemon.exit_code == 0);
  const Json told = by_daemon.json();
  CHECK(told["engine"] == "native");
  CHECK(told["scale"] == "unit");
  CHECK(told["query"] == reference.query);
  CHECK(told["model_identity"].get<std::string>().starts_with("sha256:"));
  check_ranking(told, reference, false);
  check_ranking(with({"--json", "--raw"}).json(), reference, true);
  CHECK(with({"--json", "--direct"}).json()["results"] == told["results"]);
  CHECK(with({"--json", "-k", "1"}).json()["results"].size() == 1);

  const Finished lines = with({"-k", "1"});
  CHECK(lines.out.ends_with("\t" + told["results"][0]["document"].get<std::string>() + "\n"));
  CHECK(lines.out.find('\t') == 8);  // 0.123456
  write_text(home.file("documents.txt"), reference.lines());
  CHECK(with({"-f", home.file("documents.txt")}).out == with({}).out);
}

TEST_CASE("a reranker as a GGUF file has the prompt of its makers", "[rerank]") {
  Home home;
  const Reference reference("rerank-qwen3");
  const std::string model = RUNED_TEST_DATA "/tiny_gguf/rerank-qwen3.f16.gguf";
  home.set("RUNED_CTX_SIZE", "400");
  const Finished done = home.run({"rerank", "--model", model, "--direct", "--json", "--raw",
                                  "--truncate", "right", reference.query},
                                 reference.lines());
  REQUIRE(done.exit_code == 0);
  for (const Json& result : done.json()["results"]) {
    CHECK(result["score"].get<double>() ==
          Approx(reference.scores.at(result["index"])).margin(0.02));
  }
  const Finished other = home.run({"rerank", "--model", model, "--direct", "--raw", "--instruct",
                                   "Find what contradicts the query", reference.query},
                                  "a document\n");
  CHECK(other.exit_code == 0);
  CHECK(other.out !=
        home.run({"rerank", "--model", model, "--direct", "--raw", reference.query}, "a document\n")
            .out);
}

TEST_CASE("what cannot be ranked is refused, with its line", "[rerank]") {
  Home home;
  const std::string model = tiny("rerank-bert");
  const auto rerank = [&](const std::string& query, const std::string& input) {
    return home.run({"rerank", "--model", model, query}, input);
  };
  CHECK(rerank("query", "").exit_code == kNoInput);
  const Finished blank = rerank(" ", "a\n");
  CHECK(blank.exit_code == kUsage);
  CHECK(blank.err == "runed: error: the query is blank\n");
  CHECK(rerank("query", "a\n\nb\n").exit_code == kBlankLine);
  std::string longer = "river";
  for (int i = 0; i < 100; ++i) longer += " river";
  const Finished too_long = rerank("query", "a\n" + longer + "\n");
  CHECK(too_long.exit_code == kTooLong);
  CHECK(too_long.err.find("line 2: ") != std::string::npos);
  CHECK(too_long.err.find("the model takes 64") != std::string::npos);
  const Finished cut =
      home.run({"rerank", "--model", model, "--truncate", "right", "query"}, "a\n" + longer + "\n");
  CHECK(cut.exit_code == 0);
  CHECK(cut.err.find("1 of 2 documents was cut") != std::string::npos);
  const Finished task =
      home.run({"rerank", "--model", model, "--instruct", "find", "query"}, "a\n");
  CHECK(task.exit_code == kUsage);
  CHECK(task.err.find("it has no place for a task") != std::string::npos);
}

TEST_CASE("each kind of model is refused by the command for the other kind", "[rerank]") {
  Home home;
  const Finished ranks = home.run({"rerank", "query"}, "a\n");
  CHECK(ranks.exit_code == kModel);
  CHECK(ranks.err.ends_with(
      "runed: error: 'runed-mini' is an embedding model: it gives vectors, and no scores of pairs\n"
      "hint: no reranker is known here: name the file or the directory of one with --model\n"));
  const std::string config = R"({"models":{"ranker":{"path":")" + tiny("rerank-bert") + R"("}}})";
  write_text(home / "config.json", config);
  CHECK(home.run({"reload"}).exit_code == 0);
  CHECK(home.run({"rerank", "query"}, "a\n")
            .err.ends_with("hint: name a reranker with --model: ranker\n"));
  CHECK(home.run({"rerank", "--direct", "query"}, "a\n")
            .err.ends_with("hint: name a reranker with --model: ranker\n"));
  CHECK(home.run({"rerank", "--model", "ranker", "query"}, "a\n").exit_code == 0);
  for (const char* way : {"--json", "--direct"}) {
    const Finished embeds = home.run({"embed", "--model", tiny("rerank-bert"), way, "text"});
    CHECK(embeds.exit_code == kModel);
    const std::string said = embeds.out + embeds.err;
    CHECK(said.find("is a reranker: it gives scores of pairs of texts, and no vectors") !=
          std::string::npos);
  }
}

TEST_CASE("rerankers that were converted wrongly are refused with the part that they lack",
          "[rerank]") {
  Home home;
  const auto refusal = [&](const std::string& file) {
    const Finished done = home.run(
        {"rerank", "--direct", "--model", RUNED_TEST_DATA "/tiny_gguf/" + file, "query"}, "a\n");
    CHECK(done.exit_code == kModel);
    return done.err;
  };
  CHECK(refusal("broken-rerank-bert.f16.gguf")
            .find("'cls.weight': it is a reranker, and its converter left the pooler out") !=
        std::string::npos);
  CHECK(refusal("broken-rerank-qwen3.f16.gguf")
            .find("no tensor 'cls.output.weight': its converter took it for a language model") !=
        std::string::npos);
  home.set("RUNED_ENGINE", "llama-server");
  CHECK(refusal("rerank-qwen3.f16.gguf")
            .find("the model is a reranker, which llama-server does not compute as its makers do "
                  "(RUNED_ENGINE says so)") != std::string::npos);
}

TEST_CASE("verify looks at the scores of a reranker", "[rerank]") {
  Home home;
  home.set("RUNED_MODEL", tiny("rerank-bert"));
  home.set("RUNED_COMPUTE", "f32");
  const Finished done = home.run({"verify", "--deep"});
  CHECK(done.exit_code == 0);
  CHECK(done.out.find("batch_invariance") != std::string::npos);
}

TEST_CASE("Rerank answers with the best first, and refuses what it cannot take by its number",
          "[rerank]") {
  Home home;
  const Reference reference("rerank-bert");
  home.set("RUNED_MODEL", tiny("rerank-bert"));
  home.set("RUNED_COMPUTE", "f32");
  auto daemon = home.serve();
  const RawClient client(home);
  const auto call = [&](const v1::RerankRequest& request) {
    return client.call<v1::RerankResponse>(kRerank, request);
  };
  v1::RerankRequest request = request_of(reference.query, reference.documents);
  request.set_truncate(v1::TRUNCATE_RIGHT);
  request.set_raw_scores(true);
  const auto all = call(request);
  REQUIRE(all.status.ok());
  REQUIRE(all.reply.results_size() == static_cast<int>(reference.documents.size()));
  CHECK(all.reply.model_identity() == home.status()["model_identity"]);
  for (const v1::RankedDocument& each : all.reply.results()) {
    CHECK(static_cast<double>(each.score()) ==
          Approx(reference.scores.at(each.index())).margin(1e-4));
    CHECK(each.token_count() > 4);
  }
  request.set_top_n(1);
  request.set_raw_scores(false);
  const auto best = call(request);
  REQUIRE(best.reply.results_size() == 1);
  CHECK(best.reply.results(0).index() == all.reply.results(0).index());
  CHECK(best.reply.results(0).score() > 0);
  CHECK(best.reply.results(0).score() < 1);
  CHECK(call(request_of("q", {""})).status.ok());  // A document may be empty.

  const auto refused = [&](const v1::RerankRequest& bad) {
    const grpc::Status status = call(bad).status;
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    return status.error_message();
  };
  CHECK(refused(request_of("q", {})) == "the request has no documents");
  CHECK(refused(request_of("", {"a"})) == "the query is empty");
  CHECK(refused(request_of("q", std::vector<std::string>(1025, "a"))) ==
        "the request has 1025 documents, 1024 are allowed");
  std::string longer;
  for (int i = 0; i < 100; ++i) longer += "river ";
  CHECK(refused(request_of("q", {"a", longer})).starts_with("text 1: the query and the document"));
  v1::RerankRequest left = request_of("q", {"a"});
  left.set_truncate(v1::TRUNCATE_LEFT);
  CHECK(refused(left) == "texts of a pair are cut at their right only");
  CHECK(client
            .call<v1::EmbedResponse>("/runed.v1.RunedService/Embed",
                                     [] {
                                       v1::EmbedRequest one;
                                       one.set_text("a");
                                       return one;
                                     }())
            .status.error_code() == grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_CASE("many callers have the scores that one alone has", "[rerank]") {
  Home home;
  const Reference reference("rerank-bert");
  home.set("RUNED_MODEL", tiny("rerank-bert"));
  home.set("RUNED_COMPUTE", "f32");
  auto daemon = home.serve();
  const RawClient client(home);
  v1::RerankRequest request = request_of(reference.query, reference.documents);
  request.set_truncate(v1::TRUNCATE_RIGHT);
  request.set_raw_scores(true);
  std::vector<runed::test::Call<v1::RerankResponse>> calls;
  for (int i = 0; i < 20; ++i) calls.push_back(client.begin<v1::RerankResponse>(kRerank, request));
  for (auto& each : calls) {
    const auto answer = each.finish();
    REQUIRE(answer.status.ok());
    for (const v1::RankedDocument& result : answer.reply.results()) {
      CHECK(static_cast<double>(result.score()) ==
            Approx(reference.scores.at(result.index())).margin(1e-4));
    }
  }
}
