#include "embed/model/file_prompts.hpp"

#include <optional>

#include "support/gguf_builder.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::Prompt;
using runed::Result;
using runed::embed::fill_prompt;
using runed::embed::find_named;
using runed::embed::Gguf;
using runed::embed::Prompts;
using runed::embed::read_prompts;
using runed::test::GgufBuilder;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

using Texts = std::vector<std::string>;

GgufBuilder with(const Texts& names, const Texts& texts) {
  GgufBuilder builder;
  builder.set("runed.prompts.names", names).set("runed.prompts.texts", texts);
  return builder;
}

Result<std::optional<Prompts>> read(const GgufBuilder& builder) {
  const std::vector<std::byte> bytes = builder.build();
  return read_prompts(unwrap(Gguf::parse_metadata(bytes)));
}

Prompts prompts_of(const GgufBuilder& builder) {
  const auto prompts = unwrap(read(builder));
  REQUIRE(prompts.has_value());
  return *prompts;
}

Error refusal_of(const GgufBuilder& builder) {
  Error error = unwrap_error(read(builder));
  CHECK(error.code == runed::ErrorCode::model_unsupported);
  CHECK(error.facts.has(runed::fact::kConversionFault));
  return error;
}

}  // namespace

TEST_CASE("a file without prompts says nothing of them") {
  CHECK_FALSE(unwrap(read(GgufBuilder())).has_value());
}

TEST_CASE("empty prompts, which are written where nobody said anything, say nothing") {
  CHECK_FALSE(unwrap(read(with({"query", "document"}, {"", ""}))).has_value());
  CHECK_FALSE(unwrap(read(with({}, {}))).has_value());
}

TEST_CASE("prompts have their names, and those of queries and documents their use") {
  const Prompts prompts =
      prompts_of(with({"query", "passage", "clustering"}, {"q: ", "p: ", "c: "}));
  CHECK(prompts.query == Prompt{"q: ", ""});
  CHECK(prompts.document == Prompt{"p: ", ""});
  REQUIRE(prompts.named.size() == 3);
  REQUIRE(find_named(prompts, "clustering") != nullptr);
  CHECK(find_named(prompts, "clustering")->text == "c: ");
  CHECK(find_named(prompts, "passage")->text == "p: ");
  CHECK(find_named(prompts, "document") == nullptr);
  CHECK(prompts.default_name.empty());
}

TEST_CASE("a prompt named document counts before one named passage, and that before corpus") {
  CHECK(prompts_of(with({"passage", "document"}, {"p: ", "d: "})).document.prefix == "d: ");
  CHECK(prompts_of(with({"corpus", "passage"}, {"c: ", "p: "})).document.prefix == "p: ");
  CHECK(prompts_of(with({"corpus"}, {"c: "})).document.prefix == "c: ");
  CHECK(prompts_of(with({"corpus"}, {"c: "})).query.prefix.empty());
}

TEST_CASE("the default prompt is that of queries and documents which have none of their own") {
  const Prompts prompts =
      prompts_of(with({"query", "all"}, {"q: ", "a: "}).set("runed.prompts.default", "all"));
  CHECK(prompts.default_name == "all");
  CHECK(prompts.query.prefix == "q: ");
  CHECK(prompts.document.prefix == "a: ");
}

TEST_CASE("a place for a task is the exact bytes of the file to a query without one") {
  const Prompts prompts = prompts_of(with({"query"}, {"Do {task}: "}));
  CHECK(fill_prompt(prompts.query, "") == "Do {task}: ");
  CHECK(fill_prompt(prompts.query, "that") == "Do that: ");
}

TEST_CASE("prompts that do not fit together are refused with the key") {
  CHECK(
      refusal_of(with({"query"}, {"a", "b"})).message ==
      "key 'runed.prompts.names' has 1 values and 'runed.prompts.texts' has 2, where as many were "
      "expected, at most 256");
  CHECK(refusal_of(with(Texts(257, "a"), Texts(257, "b")))
            .message.starts_with("key 'runed.prompts.names' has 257 values"));
  CHECK(refusal_of(with({"query"}, {"a"}).erase("runed.prompts.texts")).message ==
        "key 'runed.prompts.texts' is missing");
  CHECK(refusal_of(with({"query", "query"}, {"a", "b"})).message ==
        "key 'runed.prompts.names' has the name 'query' twice");
  CHECK(refusal_of(with({"query", ""}, {"a", "b"})).message ==
        "key 'runed.prompts.names' has the name '' among others");
  CHECK(refusal_of(with({"query"}, {"a"}).set("runed.prompts.default", "task")).message ==
        "key 'runed.prompts.default' is 'task', which 'runed.prompts.names' does not have");
}

TEST_CASE("a prompt that no text could have before it is refused") {
  CHECK(refusal_of(with({"query"}, {std::string(16385, 'a')})).message ==
        "a value of key 'runed.prompts.texts' has 16385 bytes, 16384 are allowed");
  CHECK(refusal_of(with({std::string(257, 'a')}, {"a"})).message ==
        "a value of key 'runed.prompts.names' has 257 bytes, 256 are allowed");
  CHECK(refusal_of(with({"query"}, {"\xff"})).message ==
        "the value '\\xff' of key 'runed.prompts.texts' is not UTF-8");
  CHECK(prompts_of(with({"query"}, {std::string(16384, 'a')})).query.prefix.size() == 16384);
}
