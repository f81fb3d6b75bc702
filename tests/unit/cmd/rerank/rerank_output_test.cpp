#include "cmd/rerank/rerank_output.hpp"

#include "base/json.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::ScoreScale;
using runed::cmd::Ranking;
using runed::cmd::to_document;
using runed::cmd::to_lines;
using runed::test::unwrap;

namespace {

const std::vector<std::string> kDocuments{"first", "a \"second\"\tone", "third"};

Ranking ranking() {
  return {.model_name = "ranker",
          .model_identity = "sha256:0123456789abcdef",
          .engine = "native",
          .query = "why?",
          .scale = ScoreScale::raw,
          .results = {{.index = 1, .score = 2.5F, .token_count = 7},
                      {.index = 0, .score = -11.1F, .token_count = 9, .tokens_dropped = 3}}};
}

}  // namespace

TEST_CASE("a line of a ranking is a score, a tab and the document") {
  CHECK(to_lines(ranking(), kDocuments) ==
        "2.500000\ta \"second\"\tone\n"
        "-11.100000\tfirst\n");
  CHECK(to_lines({}, kDocuments).empty());
}

TEST_CASE("the document of a ranking has each score in the fewest digits that are the same f32") {
  const std::string text = to_document(ranking(), kDocuments);
  CHECK(text.ends_with("}\n"));
  CHECK(text.find("\"score\":-11.1,") != std::string::npos);
  const Json json = unwrap(runed::parse_json(text));
  CHECK(json["model"] == "ranker");
  CHECK(json["model_identity"] == "sha256:0123456789abcdef");
  CHECK(json["engine"] == "native");
  CHECK(json["query"] == "why?");
  CHECK(json["scale"] == "raw");
  REQUIRE(json["results"].size() == 2);
  CHECK(json["results"][0] ==
        Json{{"index", 1}, {"score", 2.5}, {"tokens", 7}, {"document", "a \"second\"\tone"}});
  CHECK(json["results"][1]["tokens_dropped"] == 3);
  Ranking unit = ranking();
  unit.scale = ScoreScale::unit;
  CHECK(unwrap(runed::parse_json(to_document(unit, kDocuments)))["scale"] == "unit");
}
