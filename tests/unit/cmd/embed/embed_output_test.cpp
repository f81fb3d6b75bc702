#include "cmd/embed/embed_output.hpp"

#include <sstream>

#include "base/json.hpp"
#include "support/result_matchers.hpp"

using runed::Embedding;
using runed::ErrorCode;
using runed::Json;
using runed::cmd::EmbedOutput;
using runed::test::unwrap;
using runed::test::unwrap_error;
using Format = runed::cmd::EmbedOutput::Format;

namespace {

const Embedding kFirst{{0.1F, -1.0F, 1e-7F}, 3, 0};
const Embedding kSecond{{0.0F, 1.0F, 0.25F}, 4, 2};

std::string print_both(Format format) {
  std::ostringstream out;
  EmbedOutput output(out, format);
  output.set_model(
      {"a \"model\"", "sha256:0123456789abcdef", "native", "query:\n", "known_model"});
  unwrap(output.add(kFirst));
  unwrap(output.add(kSecond));
  unwrap(output.finish());
  return out.str();
}

std::string print_ids(Format format) {
  std::ostringstream out;
  EmbedOutput output(out, format);
  output.set_model({"m", "sha256:0"});
  unwrap(output.add_ids(std::vector<uint32_t>{1, 2}));
  unwrap(output.add_ids(std::vector<uint32_t>{3}));
  unwrap(output.finish());
  return out.str();
}

}  // namespace

TEST_CASE("a float is printed in the fewest digits that give it back") {
  const std::vector<float> values{0.1F, 1.0F / 3.0F, 1e-7F, -0.0F, 16777216.0F};
  const Json parsed = unwrap(runed::parse_json(runed::cmd::format_vector(values)));
  for (size_t i = 0; i < values.size(); ++i) CHECK(parsed[i].get<float>() == values[i]);
  CHECK(runed::cmd::format_vector(std::vector<float>{0.1F, -2.0F}) == "[0.1,-2]");
}

TEST_CASE("without --json each vector is a line") {
  CHECK(print_both(Format::lines) == "[0.1,-1,1e-07]\n[0,1,0.25]\n");
}

TEST_CASE("with --json there is one document, with its keys in order") {
  CHECK(print_both(Format::document) ==
        R"({"model":"a \"model\"","model_identity":"sha256:0123456789abcdef","engine":"native",)"
        R"("dim":3,"prompt":"query:\n","prompt_source":"known_model",)"
        R"("embeddings":[{"index":0,"tokens":3,"vector":[0.1,-1,1e-07]},)"
        R"({"index":1,"tokens":4,"tokens_dropped":2,"vector":[0,1,0.25]}]})"
        "\n");
}

TEST_CASE("token ids take the place of vectors") {
  CHECK(print_ids(Format::lines) == "[1,2]\n[3]\n");
  CHECK(print_ids(Format::document) ==
        R"({"model":"m","model_identity":"sha256:0","prompt":null,"prompt_source":null,)"
        R"("embeddings":[)"
        R"({"index":0,"tokens":2,"ids":[1,2]},{"index":1,"tokens":1,"ids":[3]}]})"
        "\n");
}

TEST_CASE("texts that were cut are counted, and their ids say how many are missing") {
  std::ostringstream out;
  EmbedOutput output(out, Format::document);
  output.set_model({"m", "sha256:0"});
  unwrap(output.add_ids(std::vector<uint32_t>{1, 2}));
  unwrap(output.add_ids(std::vector<uint32_t>{3}, 4));
  CHECK(output.cut_count() == 1);
  unwrap(output.finish());
  CHECK(out.str().find(R"({"index":0,"tokens":2,"ids":[1,2]})") != std::string::npos);
  CHECK(out.str().find(R"({"index":1,"tokens":1,"tokens_dropped":4,"ids":[3]})") !=
        std::string::npos);
}

TEST_CASE("a short result that fails prints nothing, whatever was flushed") {
  for (const Format format : {Format::lines, Format::document}) {
    std::ostringstream out;
    EmbedOutput output(out, format);
    unwrap(output.add(kFirst));
    unwrap(output.flush());
    output.fail(runed::make_error(ErrorCode::internal, "no"));
    CHECK(out.str().empty());
  }
}

TEST_CASE("a long result that fails ends with a whole line, or as a document with its error") {
  for (const Format format : {Format::lines, Format::document}) {
    std::ostringstream out;
    EmbedOutput output(out, format, 100);
    output.set_model({"m", "sha256:0", "native"});
    size_t added = 0;
    for (; out.str().empty(); ++added) unwrap(output.add(kSecond));
    unwrap(output.add(kFirst));
    output.fail(
        runed::make_error(ErrorCode::text_too_long, "line 9 is long").with(runed::fact::kIndex, 8));
    if (format == Format::lines) {
      CHECK(out.str().ends_with("\n[0.1,-1,1e-07]\n"));
    } else {
      const Json document = unwrap(runed::parse_json(out.str()));
      CHECK(document["embeddings"].size() == added + 1);
      CHECK(document["error"]["code"] == "TEXT_TOO_LONG");
      CHECK(document["error"]["details"]["index"] == "8");
    }
  }
}

TEST_CASE("what has begun is printed when asked, and a stream that is broken is an error") {
  std::ostringstream out;
  EmbedOutput output(out, Format::lines, 1);
  unwrap(output.add(kFirst));
  unwrap(output.add(kSecond));
  CHECK(out.str() == "[0.1,-1,1e-07]\n");
  unwrap(output.flush());
  CHECK(out.str() == "[0.1,-1,1e-07]\n[0,1,0.25]\n");
  unwrap(output.add(kFirst));
  out.setstate(std::ios::badbit);
  CHECK(unwrap_error(output.finish()).code == ErrorCode::io);
}
