#include <atomic>
#include <thread>

#include "os/file/files.hpp"
#include "prompted_home.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::test::cosine;
using runed::test::engine_under_test;
using runed::test::Finished;
using runed::test::Home;
using runed::test::kReferenceCosine;
using runed::test::PromptedHome;
using runed::test::reference_texts;
using runed::test::vector_of;
using runed::test::write_text;

namespace {

// Reference texts that can stand on a line.
std::vector<const runed::test::ReferenceText*> one_line_texts() {
  std::vector<const runed::test::ReferenceText*> texts;
  for (const auto& reference : reference_texts()) {
    const bool fits = reference.text.find_first_of("\r\n") == std::string::npos &&
                      reference.text.find_first_not_of(" \t") != std::string::npos;
    if (fits) texts.push_back(&reference);
  }
  REQUIRE(texts.size() > 10);
  return texts;
}

}  // namespace

TEST_CASE("one command on a cold home gives the right vector", "[embed]") {
  Home home;
  const auto& reference = reference_texts().front();
  const Finished done = home.run({"embed", "--json"}, reference.text + "\n");
  CAPTURE(done.err);
  REQUIRE(done.exit_code == 0);
  const Json document = done.json();
  CHECK(document["model"] == "runed-mini");
  CHECK(document["model_identity"].get<std::string>().starts_with("sha256:"));
  CHECK(document["engine"] == engine_under_test());
  CHECK(document["dim"] == 256);
  CHECK(document["embeddings"][0]["index"] == 0);
  CHECK(document["embeddings"][0]["tokens"] == reference.ids.size());
  CHECK(cosine(vector_of(document, 0), reference.vector) >= kReferenceCosine);
}

TEST_CASE("every reference text is embedded right, in order, by the daemon and directly",
          "[embed]") {
  Home home;
  std::string lines;
  for (const auto* reference : one_line_texts()) lines += reference->text + "\n";
  for (const char* mode : {"", "--direct"}) {
    CAPTURE(mode);
    std::vector<std::string> arguments{"embed", "--json"};
    if (*mode != '\0') arguments.emplace_back(mode);
    const Json document = home.run(arguments, lines).json();
    REQUIRE(document["embeddings"].size() == one_line_texts().size());
    for (size_t i = 0; i < one_line_texts().size(); ++i) {
      const auto& reference = *one_line_texts()[i];
      CAPTURE(reference.text);
      CHECK(document["embeddings"][i]["tokens"] == reference.ids.size());
      CHECK(cosine(vector_of(document, i), reference.vector) >= kReferenceCosine);
    }
  }
}

TEST_CASE("sixty-four clients on a cold home get right answers from one daemon", "[embed]") {
  Home home;
  const auto texts = one_line_texts();
  std::vector<runed::test::Running> clients;
  for (size_t i = 0; i < 64; ++i) {
    clients.push_back(home.start({"embed", "--json", "--", texts[i % texts.size()]->text}));
  }
  for (size_t i = 0; i < clients.size(); ++i) {
    const Finished done = clients[i].finish();
    CAPTURE(i, done.err);
    REQUIRE(done.exit_code == 0);
    CHECK(cosine(vector_of(done.json(), 0), texts[i % texts.size()]->vector) >= kReferenceCosine);
  }
  const std::string log = home.daemon_log();
  size_t started = 0;
  for (size_t at = 0; (at = log.find("\"msg\":\"listening\"", at)) != std::string::npos; ++at) {
    ++started;
  }
  CHECK(started == 1);
}

TEST_CASE("texts come from arguments, stdin or a file, and mean the same", "[embed]") {
  Home home;
  const std::string by_argument = home.run({"embed", "some text"}).out;
  CHECK(by_argument.starts_with("["));
  CHECK(home.run({"embed"}, "some text").out == by_argument);
  write_text(home.file("lines.txt"), "some text\r\n");
  CHECK(home.run({"embed", "-f", home.file("lines.txt")}).out == by_argument);
  CHECK(home.run({"embed", "-f", "-"}, "some text\n").out == by_argument);
}

TEST_CASE("a query is prompted, and its task can be chosen", "[embed]") {
  PromptedHome home;
  const std::string plain = home.run({"embed", "gravity"}).out;
  const std::string query = home.run({"embed", "--query", "gravity"}).out;
  const std::string spelt = home.run({"embed", "-f", "-", "--query"}, "gravity").out;
  CHECK(query != plain);
  CHECK(spelt == query);
  CHECK(home.run({"embed", "--instruct", "Find physics", "gravity"}).out != query);
  // The prompt is one text with a line feed in it: an argument can be that.
  CHECK(home.run({"embed", PromptedHome::prompted("gravity")}).out == query);
}

TEST_CASE("fewer dimensions are a prefix, made unit length again", "[embed]") {
  Home home;
  const auto full = vector_of(home.run({"embed", "--json", "text"}).json(), 0);
  const Json document = home.run({"embed", "--json", "-d", "64", "text"}).json();
  const auto cut = vector_of(document, 0);
  REQUIRE(cut.size() == 64);
  CHECK(document["dim"] == 64);
  CHECK(cosine(cut, {full.begin(), full.begin() + 64}) == Approx(1.0).margin(1e-9));
  double squares = 0;
  for (const float value : cut) squares += static_cast<double>(value) * value;
  CHECK(squares == Approx(1.0).margin(1e-6));
}

TEST_CASE("token ids are those of the reference, EOS included", "[embed]") {
  Home home;
  const auto& reference = reference_texts().front();
  const Json ids =
      runed::test::unwrap(runed::parse_json(home.run({"embed", "--ids", reference.text}).out));
  CHECK(ids.get<std::vector<uint32_t>>() == reference.ids);
  CHECK(home.status()["running"] == false);
}

TEST_CASE("token ids need only a vocabulary", "[embed]") {
  Home home;
  home.set("RUNED_MODEL", RUNED_TEST_DATA_UNPACKED "/qwen3-vocab.gguf");
  CHECK(home.run({"embed", "--ids", "Hello world"}).out == "[9707,1879,151643]\n");
  const Finished vectors = home.run({"embed", "--direct", "Hello world"});
  CHECK(vectors.exit_code == 71);
  CHECK(vectors.out.empty());
}

TEST_CASE("a text that is too long is refused by its line, or cut when asked", "[embed]") {
  Home home;
  std::string lines = "short\n";
  for (int i = 0; i < 600; ++i) lines += "word ";
  for (const char* mode : {"--json", "--direct"}) {
    const Finished refused = home.run({"embed", mode}, lines);
    CAPTURE(mode, refused.err);
    CHECK(refused.exit_code == 68);
    CHECK(refused.out.empty());
    CHECK(refused.err.find("line 2: the text has 60") != std::string::npos);
    CHECK(refused.err.find("the model takes 512") != std::string::npos);
  }
  for (const char* side : {"right", "left"}) {
    const Json document = home.run({"embed", "--json", "--truncate", side}, lines).json();
    CHECK(document["embeddings"][1]["tokens"] == 512);
    CHECK(document["embeddings"][1]["tokens_dropped"] >= 88);
  }
}

TEST_CASE("a model other than expected is refused", "[embed]") {
  Home home;
  const std::string identity = home.run({"embed", "--json", "a"}).json()["model_identity"];
  CHECK(home.run({"embed", "--expect-model", identity, "a"}).exit_code == 0);
  const Finished refused = home.run({"embed", "--expect-model", "sha256:0123456789abcdef", "a"});
  CHECK(refused.exit_code == 72);
  CHECK(refused.out.empty());
}

TEST_CASE("a thousand lines and more keep their order", "[embed]") {
  Home home;
  std::string lines;
  for (int i = 0; i < 2500; ++i) lines += "text number " + std::to_string(i) + "\n";
  const Json document = home.run({"embed", "--json"}, lines).json();
  REQUIRE(document["embeddings"].size() == 2500);
  // What the contract promises of a text in any batch, or better.
  const double least = engine_under_test() == "native" ? 0.99999 : 0.9999;
  for (const size_t i : {0, 1023, 1024, 2499}) {
    const Json alone = home.run({"embed", "--json", "text number " + std::to_string(i)}).json();
    CHECK(cosine(vector_of(document, i), vector_of(alone, 0)) >= least);
  }
}
