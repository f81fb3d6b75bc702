#include "bootstrap/manifest/manifest.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "base/json.hpp"
#include "bootstrap/manifest/published_facts.hpp"
#include "bootstrap/manifest/resources.hpp"
#include "bootstrap/manifest/variant.hpp"
#include "embed/model/known_models.hpp"
#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::Json;
using runed::bootstrap::find_variant;
using runed::bootstrap::Manifest;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

const std::string kDigest(64, 'a');

// A manifest with one model, `m.q8_0`, and one llama-server; `patch` changes it.
Json sample(const Json& patch = Json::object()) {
  Json document{
      {"version", 1},
      {"platforms",
       {{"linux-amd64",
         {{"llama_server",
           {{"url", "https://h/l.tar.gz"},
            {"sha256", kDigest},
            {"extract", "tar.gz"},
            {"exec", "build/bin/llama-server"}}}}}}},
      {"models", {{"m.q8_0", {{"url", "https://h/m.gguf"}, {"sha256", kDigest}, {"size", 7}}}}},
      {"default_model", "m.q8_0"}};
  document.merge_patch(patch);
  return document;
}

Manifest parse(const Json& patch = Json::object()) {
  return unwrap(Manifest::parse(runed::to_line(sample(patch)), "https://h/manifest.json"));
}

std::string model_fault(const Json& model) {
  return unwrap_error(parse({{"models", {{"m.q8_0", model}}}}).model("m.q8_0")).message;
}

std::string server_fault(const Json& server) {
  const Manifest manifest = parse({{"platforms", {{"linux-amd64", {{"llama_server", server}}}}}});
  return unwrap_error(manifest.llama_server("linux-amd64")).message;
}

}  // namespace

TEST_CASE("the manifest in the executable has Qwen3-Embedding and a llama-server for Linux") {
  const auto manifest = unwrap(Manifest::parse(runed::bootstrap::builtin_manifest(), "builtin:"));
  CHECK(manifest.default_model() == "qwen3-embedding-0.6b.q8_0");
  const auto model = unwrap(manifest.model(manifest.default_model()));
  CHECK(model.size_bytes == 639'150'592);
  CHECK(model.sha256 == "06507c7b42688469c4e7298b0a1e16deff06caf291cf0a5b278c308249c3e439");
  for (const char* platform : {"linux-amd64", "linux-arm64"}) {
    CHECK(unwrap(manifest.llama_server(platform)).exec == "llama-b11146/llama-server");
  }
}

TEST_CASE("a model has its url, its mirrors, its digest in lower case and its size") {
  const auto model = unwrap(parse({{"models",
                                    {{"m.q8_0",
                                      {{"mirrors", {"http://mirror/m.gguf", "/mnt/m.gguf"}},
                                       {"sha256", std::string(64, 'A')}}}}}})
                                .model("m.q8_0"));
  CHECK(model.url == "https://h/m.gguf");
  CHECK(model.sources ==
        std::vector<std::string>{"https://h/m.gguf", "http://mirror/m.gguf", "/mnt/m.gguf"});
  CHECK(model.sha256 == kDigest);
  CHECK(model.size_bytes == 7);
}

TEST_CASE("what is said of the models is told by the digests of their files") {
  const auto published = parse({{"models",
                                 {{"m.q8_0",
                                   {{"sha256", std::string(64, 'A')},
                                    {"architecture", "bert"},
                                    {"dimensions", 384},
                                    {"min_dimensions", 64},
                                    {"pooling", "cls"},
                                    {"prompts", {{"query", "For {task}: "}, {"document", "d: "}}},
                                    {"default_task", "search"}}},
                                  {"silent", {{"sha256", std::string(64, 'b')}}}}}})
                             .published_models();
  REQUIRE(published.size() == 2);
  const auto& told = published[0];
  CHECK(told.sha256 == kDigest);
  CHECK(told.architecture == "bert");
  CHECK(told.dimensions == 384);
  CHECK(told.min_dimensions == 64);
  CHECK(told.pooling == "cls");
  CHECK(told.has_prompts);
  CHECK(told.query_prompt == "For {task}: ");
  CHECK(told.default_task == "search");
  CHECK(told.document_prompt == "d: ");
  CHECK_FALSE(published[1].has_prompts);
  CHECK(published[1].dimensions == 0);
  CHECK(published[1].pooling.empty());
}

TEST_CASE("what is said of a model in other words than expected is as good as not said") {
  const auto said = [](const Json& model) {
    return parse({{"models", {{"m.q8_0", model}}}}).published_models();
  };
  for (const Json& model : {Json{{"prompts", "query: "}}, Json{{"prompts", Json::array()}},
                            Json{{"prompts", {{"query", "For {task}: "}}}},
                            Json{{"dimensions", "384"}, {"min_dimensions", -1}, {"pooling", 3}},
                            Json{{"dimensions", uint64_t{1} << 40},
                                 {"architecture", Json::array()}}}) {
    INFO(runed::to_line(model));
    const auto published = said(model);
    REQUIRE(published.size() == 1);
    CHECK_FALSE(published[0].has_prompts);
    CHECK(published[0].dimensions == 0);
    CHECK(published[0].min_dimensions == 0);
    CHECK(published[0].pooling.empty());
    CHECK(published[0].architecture.empty());
  }
  const auto empty = said({{"prompts", Json::object()}});
  CHECK(empty[0].has_prompts);  // The model is said to take none.
  CHECK(empty[0].query_prompt.empty());
  CHECK(said({{"sha256", "abc"}}).empty());
  CHECK(said("https://h/m.gguf").empty());
}

TEST_CASE("prompts of other names are those that are asked for by name") {
  const auto model =
      parse({{"models",
              {{"m.q8_0",
                {{"prompts", {{"query", "q: "}, {"clustering", "c: "}, {"wrong", 7}}},
                 {"license", "MIT"},
                 {"max_tokens", 512}}}}}})
          .describe("m.q8_0");
  CHECK(model.query_prompt == "q: ");
  CHECK(model.named_prompts == std::map<std::string, std::string>{{"clustering", "c: "}});
  CHECK(model.license == "MIT");
  CHECK(model.max_tokens == 512);
  CHECK(parse(Json::object()).describe("other").license.empty());
}

TEST_CASE("the manifest in the executable says all of each of its models") {
  const auto manifest = unwrap(Manifest::parse(runed::bootstrap::builtin_manifest(), "builtin:"));
  const auto variants = manifest.variants();
  REQUIRE(variants.size() == 16);
  CHECK(manifest.published_models().size() == variants.size());
  std::set<std::string> digests;
  for (const std::string& variant : variants) {
    CAPTURE(variant);
    const auto artifact = unwrap(manifest.model(variant));
    CHECK(artifact.size_bytes > 1'000'000);
    for (const std::string& source : artifact.sources) CHECK(source.starts_with("https://"));
    CHECK(digests.insert(artifact.sha256).second);
    const auto model = manifest.describe(variant);
    CHECK(model.sha256 == artifact.sha256);
    CHECK_FALSE(model.architecture.empty());
    CHECK_FALSE(model.license.empty());
    CHECK_FALSE(model.description.empty());
    CHECK(model.max_tokens >= 256);
    // A reranker has neither vectors nor prompts.
    const bool is_reranker = model.pooling == "rank";
    CHECK(is_reranker == (variant.find("reranker") != std::string::npos));
    CHECK(model.has_prompts == !is_reranker);
    CHECK((model.dimensions > 0) == !is_reranker);
  }
}

// The last parts of names are in scripts and in other people's config.json.
TEST_CASE("no model of the manifest in the executable takes a short name from another") {
  const auto manifest = unwrap(Manifest::parse(runed::bootstrap::builtin_manifest(), "builtin:"));
  const auto names = manifest.variants();
  CHECK(unwrap(find_variant(names, "q8_0")) == "qwen3-embedding-0.6b.q8_0");
  CHECK(unwrap(find_variant(names, "f16")) == "qwen3-embedding-0.6b.f16");
}

// Who has the model by a file of its own name gets the same vectors as who installed it.
TEST_CASE("the manifest in the executable says what the table of known models says") {
  const auto manifest = unwrap(Manifest::parse(runed::bootstrap::builtin_manifest(), "builtin:"));
  const std::set<std::string> kTypes{"q8_0", "f16", "q4_k_m"};
  size_t compared = 0;
  for (const std::string& variant : manifest.variants()) {
    CAPTURE(variant);
    const auto published = manifest.describe(variant);
    for (const auto& known : runed::embed::known_models()) {
      std::string name(known.name);
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      const std::string rest = variant.starts_with(name) ? variant.substr(name.size()) : "";
      if (rest.size() < 4 || !kTypes.contains(rest.substr(1))) continue;
      const auto facts = facts_of(known);
      const auto told = runed::bootstrap::to_facts({published}).front();
      CHECK(published.architecture == known.architecture);
      CHECK(published.dimensions == known.width);
      CHECK(told.facts.pooling == facts.pooling);
      CHECK(told.facts.min_dimensions == facts.min_dimensions);
      REQUIRE(told.facts.prompts.has_value());
      CHECK(told.facts.prompts->query == facts.prompts->query);
      CHECK(told.facts.prompts->document == facts.prompts->document);
      auto named = facts.prompts->named;
      std::ranges::sort(named, {}, &runed::embed::NamedPrompt::name);
      CHECK(told.facts.prompts->named == named);
      if (facts.max_tokens.has_value()) CHECK(told.facts.max_tokens == facts.max_tokens);
      ++compared;
    }
  }
  CHECK(compared >= 12);
}

TEST_CASE("what is unknown is ignored, and what is wrong elsewhere does not matter") {
  const Manifest manifest = parse({{"channel", "beta"}, {"models", {{"broken", 7}}}});
  CHECK(unwrap(manifest.model("m.q8_0")).size_bytes == 7);
  CHECK(manifest.variants() == std::vector<std::string>{"m.q8_0", "broken"});
}

TEST_CASE("a manifest that cannot be used names its source, the key and what was found") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"{}", "version: expected 1, found nothing"},
      {R"({"version":2})", "version: expected 1, found 2"},
      {R"({"version":1,"models":[]})", "models: expected an object, found an array"},
      {R"({"version":1,"platforms":"x"})", "platforms: expected an object, found a string"},
      {R"({"version":1,"default_model":3})", "default_model: expected a string, found a number"},
      {R"({"version":1} {})", "invalid JSON at byte 15"},
      {"", "invalid JSON at byte 1"},
  };
  for (const auto& [text, why] : cases) {
    CAPTURE(text);
    const auto error = unwrap_error(Manifest::parse(text, "https://h/m.json"));
    CHECK(error.code == ErrorCode::bad_config);
    CHECK(error.message == "cannot use 'https://h/m.json': " + why);
  }
}

TEST_CASE("a model that cannot be fetched safely is refused by its key") {
  const std::string prefix = "cannot use 'https://h/manifest.json': models.m.q8_0";
  CHECK(model_fault({{"url", nullptr}}) == prefix + ".url: expected a URL, found nothing");
  CHECK(model_fault({{"url", 7}}) == prefix + ".url: expected a string, found a number");
  CHECK(model_fault({{"url", "ftp://h/m"}}) ==
        prefix + ".url: expected https, http or a file, found 'ftp://h/m'");
  CHECK(model_fault({{"sha256", "abc"}}) ==
        prefix + ".sha256: expected 64 hex digits, found 'abc'");
  CHECK(model_fault({{"sha256", std::string(64, 'g')}}).find("expected 64 hex digits") !=
        std::string::npos);
  CHECK(model_fault({{"size", -1}}) == prefix + ".size: expected a number of bytes");
  CHECK(model_fault({{"mirrors", "x"}}) == prefix + ".mirrors: expected an array of strings");
  const auto escape = unwrap_error(parse({{"models", {{"../m", Json::object()}}}}).model("../m"));
  CHECK(escape.message.find("a variant's name has letters") != std::string::npos);
}

TEST_CASE("a model that the manifest lacks is missing, and those it has are listed") {
  const auto error = unwrap_error(parse().model("other"));
  CHECK(error.code == ErrorCode::model_missing);
  CHECK(error.hint == "there are: m.q8_0");
}

TEST_CASE("a llama-server is found for its platform") {
  const auto server = unwrap(parse().llama_server("linux-amd64"));
  CHECK(server.is_archive);
  CHECK(server.exec == "build/bin/llama-server");
  const auto missing = unwrap_error(parse().llama_server("plan9-386"));
  CHECK(missing.code == ErrorCode::not_found);
  CHECK(missing.message ==
        "the manifest 'https://h/manifest.json' has no llama_server for plan9-386");
}

TEST_CASE("a llama-server that is no archive has an executable by default") {
  const Manifest manifest = parse(
      {{"platforms", {{"linux-amd64", {{"llama_server", {{"extract", ""}, {"exec", ""}}}}}}}});
  const auto server = unwrap(manifest.llama_server("linux-amd64"));
  CHECK_FALSE(server.is_archive);
  CHECK(server.exec == "llama-server");
}

TEST_CASE("the executable's path is told as it is on disk") {
  const Manifest manifest = parse(
      {{"platforms", {{"linux-amd64", {{"llama_server", {{"exec", "./a/../llama-server"}}}}}}}});
  CHECK(unwrap(manifest.llama_server("linux-amd64")).exec == "llama-server");
}

TEST_CASE("what a terminal must not get is made visible") {
  CHECK(model_fault({{"sha256", "\x1b[31mXX"}}).ends_with("found '\\x1b[31mXX'"));
}

TEST_CASE("a llama-server that would be put elsewhere is refused") {
  const std::string prefix =
      "cannot use 'https://h/manifest.json': platforms.linux-amd64.llama_server";
  for (const char* exec : {"../../bin/sh", "/bin/sh", "a/../../b", ".", "bin/"}) {
    CAPTURE(exec);
    CHECK(server_fault({{"exec", exec}}) ==
          prefix + ".exec: expected a path inside the archive, found '" + exec + "'");
  }
  CHECK(server_fault({{"exec", ""}}) ==
        prefix + ".exec: expected the executable in the archive, found nothing");
  CHECK(server_fault({{"extract", "rar"}}) == prefix + ".extract: unsupported extract type 'rar'");
}
