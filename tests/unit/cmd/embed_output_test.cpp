#include "cmd/embed_output.hpp"

#include "base/json.hpp"
#include "support/result_matchers.hpp"

using runed::cmd::EmbedOutput;

namespace {
EmbedOutput two_vectors() {
  return {.model_name = "a \"model\"",
          .model_identity = "sha256:0123456789abcdef",
          .engine = "native",
          .embeddings = {{{0.1F, -1.0F, 1e-7F}, 3, 0}, {{0.0F, 1.0F, 0.25F}, 4, 2}},
          .ids = {}};
}
}  // namespace

TEST_CASE("a float is printed in the fewest digits that give it back") {
  const std::vector<float> values{0.1F, 1.0F / 3.0F, 1e-7F, -0.0F, 16777216.0F};
  const runed::Json parsed =
      runed::test::unwrap(runed::parse_json(runed::cmd::format_vector(values)));
  for (size_t i = 0; i < values.size(); ++i) CHECK(parsed[i].get<float>() == values[i]);
  CHECK(runed::cmd::format_vector(std::vector<float>{0.1F, -2.0F}) == "[0.1,-2]");
}

TEST_CASE("without --json each vector is a line") {
  CHECK(runed::cmd::format_lines(two_vectors()) == "[0.1,-1,1e-07]\n[0,1,0.25]\n");
}

TEST_CASE("with --json there is one document, with its keys in order") {
  CHECK(runed::cmd::format_document(two_vectors()) ==
        R"({"model":"a \"model\"","model_identity":"sha256:0123456789abcdef","engine":"native",)"
        R"("dim":3,"embeddings":[{"index":0,"tokens":3,"vector":[0.1,-1,1e-07]},)"
        R"({"index":1,"tokens":4,"tokens_dropped":2,"vector":[0,1,0.25]}]})"
        "\n");
}

TEST_CASE("token ids take the place of vectors") {
  const EmbedOutput output{.model_name = "m",
                           .model_identity = "sha256:0",
                           .engine = {},
                           .embeddings = {},
                           .ids = {{1, 2}, {3}}};
  CHECK(runed::cmd::format_lines(output) == "[1,2]\n[3]\n");
  CHECK(runed::cmd::format_document(output) ==
        R"({"model":"m","model_identity":"sha256:0","embeddings":[)"
        R"({"index":0,"tokens":2,"ids":[1,2]},{"index":1,"tokens":1,"ids":[3]}]})"
        "\n");
}
