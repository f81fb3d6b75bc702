#include "embed/request.hpp"

#include <cmath>
#include <limits>

#include "base/text.hpp"
#include "fake_engine.hpp"
#include "support/result_matchers.hpp"

using runed::Embedding;
using runed::EmbedOptions;
using runed::Error;
using runed::ErrorCode;
using runed::InputType;
using runed::Prompt;
using runed::Truncate;
using runed::embed::apply_prompt;
using runed::embed::bound_text;
using runed::embed::check_options;
using runed::embed::cut_dimensions;
using runed::embed::embed_all;
using runed::embed::embed_pass;
using runed::embed::FactSource;
using runed::embed::ModelInfo;
using runed::embed::ModelSpec;
using runed::embed::Pooling;
using runed::embed::PreparedText;
using runed::embed::prompt_for;
using runed::embed::source_of_limit;
using runed::embed::TokenId;
using runed::test::FakeEngine;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

using Ids = std::vector<TokenId>;
using Sizes = std::vector<size_t>;

constexpr TokenId kEos = FakeEngine::kEos;

// What is known of a model like this one.
ModelSpec spec_of(const Prompt& query, const Prompt& document = {}, uint32_t min_dimensions = 0) {
  ModelSpec spec{.frame = {.before = {}, .after = {kEos}},
                 .prompts = {{query, document}, FactSource::known_model},
                 .pooling = {Pooling::last, FactSource::model_file},
                 .min_dimensions = {}};
  if (min_dimensions > 0) spec.min_dimensions = {min_dimensions, FactSource::known_model};
  return spec;
}

const ModelSpec kQwen3 = spec_of(
    {.prefix = "Instruct: {task}\nQuery:",
     .default_task = "Given a web search query, retrieve relevant passages that answer the query"},
    {}, 32);
const ModelSpec kE5 =
    spec_of({.prefix = "query: ", .default_task = {}}, {.prefix = "passage: ", .default_task = {}});
const ModelSpec kUnknown;

runed::Result<PreparedText> try_prepare(std::string_view text, const EmbedOptions& options,
                                        uint32_t max_tokens) {
  const FakeEngine fake;
  return prepare_text(text, options, kQwen3, *fake.tokenizer(), max_tokens);
}

ModelInfo info_of(const ModelSpec& spec) {
  ModelInfo model = FakeEngine().model;
  model.spec = spec;
  return model;
}

// A tokenizer of one token a byte between 1 and 2, as BERT's puts [CLS] and [SEP].
class Framed final : public runed::embed::Tokenizer {
 public:
  runed::Result<Ids> tokenize(std::string_view text) const override {
    Ids ids{1};
    for (const char byte : text) ids.push_back(static_cast<unsigned char>(byte));
    ids.push_back(2);
    return ids;
  }
};

PreparedText prepare(std::string_view text, const EmbedOptions& options = {},
                     uint32_t max_tokens = 1000) {
  return unwrap(try_prepare(text, options, max_tokens));
}

std::vector<PreparedText> prepare_all(const std::vector<std::string>& texts) {
  std::vector<PreparedText> prepared;
  prepared.reserve(texts.size());
  for (const std::string& text : texts) prepared.push_back(prepare(text));
  return prepared;
}

// Whether each text has the vector that its ids give.
bool has_vectors_of(const std::vector<Embedding>& embeddings,
                    const std::vector<PreparedText>& texts) {
  if (embeddings.size() != texts.size()) return false;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (embeddings[i].vector != FakeEngine::random_vector(texts[i].ids, 64)) return false;
    if (embeddings[i].token_count != texts[i].ids.size()) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("a query is prompted with its task, byte for byte as the model was published") {
  EmbedOptions options{.input_type = InputType::query};
  CHECK(apply_prompt("where?", options, kQwen3) ==
        "Instruct: Given a web search query, retrieve relevant passages that answer the query\n"
        "Query:where?");
  options.instruction = "Find a {task}";  // Which is no place for another one.
  CHECK(apply_prompt(" where?\n", options, kQwen3) == "Instruct: Find a {task}\nQuery: where?\n");
}

TEST_CASE("a query and a document get what their model wants before them, and no other model's") {
  const EmbedOptions query{.input_type = InputType::query};
  const EmbedOptions document{.input_type = InputType::document};
  CHECK(apply_prompt("text", query, kE5) == "query: text");
  CHECK(apply_prompt("text", document, kE5) == "passage: text");
  CHECK(apply_prompt("text", document, kQwen3) == "text");
  CHECK(apply_prompt("text", query, spec_of({})) == "text");
  CHECK(apply_prompt(" as it is\n", query, kUnknown) == " as it is\n");
  CHECK(apply_prompt(" as it is\n", document, kUnknown) == " as it is\n");
  CHECK(prompt_for(query, kE5) == "query: ");
}

TEST_CASE("a text of no type is given to any model as it is") {
  for (const ModelSpec& spec : {kQwen3, kE5, kUnknown}) {
    CHECK(apply_prompt(" as it is\n", {}, spec) == " as it is\n");
  }
}

TEST_CASE("a text of no type gets the prompt that the model's own file says is the default") {
  ModelSpec spec = spec_of({.prefix = "q: ", .default_task = {}});
  spec.prompts.value.named = {{.name = "all", .text = "a: "}};
  CHECK(apply_prompt("text", {}, spec) == "text");
  spec.prompts.value.default_name = "all";
  CHECK(apply_prompt("text", {}, spec) == "a: text");
  CHECK(apply_prompt("text", {.input_type = InputType::query}, spec) == "q: text");
}

TEST_CASE("a prompt that is named is put before a text, whatever the others are") {
  ModelSpec spec = spec_of({.prefix = "For {task}: ", .default_task = "this"}, {.prefix = "d: "});
  spec.prompts.value.named = {{.name = "clustering", .text = "c: "}};
  spec.prompts.value.default_name = "clustering";
  CHECK(apply_prompt("text", {.prompt_name = "clustering"}, spec) == "c: text");
  CHECK(apply_prompt("text", {.prompt_name = "document"}, spec) == "d: text");
  CHECK(apply_prompt("text", {.prompt_name = "query"}, spec) == "For this: text");
}

TEST_CASE("a prompt's name that the model does not have is refused with those that it has") {
  ModelSpec spec = spec_of({.prefix = "q: "});
  spec.prompts.value.named = {{.name = "clustering", .text = "c: "}};
  unwrap(check_options({.prompt_name = "clustering"}, info_of(spec)));
  unwrap(check_options({.prompt_name = "document"}, info_of(spec)));
  const Error misspelt = unwrap_error(check_options({.prompt_name = "clusterin"}, info_of(spec)));
  CHECK(misspelt.code == ErrorCode::invalid_argument);
  CHECK(misspelt.message == "'bytes' has no prompt named 'clusterin'");
  CHECK(misspelt.hint == "did you mean 'clustering'? there are: query, document, clustering");
  CHECK(misspelt.facts.text("field") == "prompt_name");
  const Error other = unwrap_error(check_options({.prompt_name = "\x1b"}, info_of(spec)));
  CHECK(other.message == "'bytes' has no prompt named '\\x1b'");
  CHECK(other.hint == "there are: query, document, clustering");
  const Error unknown = unwrap_error(check_options({.prompt_name = "query"}, info_of(kUnknown)));
  CHECK(unknown.hint == "no prompt is known of this model: leave the name out");
}

TEST_CASE("a prompt's name goes with neither an input type nor an instruction") {
  for (const EmbedOptions& options :
       {EmbedOptions{.input_type = InputType::query, .prompt_name = "query"},
        EmbedOptions{.input_type = InputType::document, .prompt_name = "query"},
        EmbedOptions{.instruction = "t", .prompt_name = "query"}}) {
    const Error error = unwrap_error(check_options(options, info_of(kQwen3)));
    CHECK(error.code == ErrorCode::invalid_argument);
    CHECK(error.message == "the prompt 'query' goes with neither an input type nor an instruction");
    CHECK(error.facts.text("field") == "prompt_name");
  }
}

TEST_CASE("who says how long a text may be is the setting, the model's makers or its positions") {
  ModelSpec spec = spec_of({});
  spec.context = 512;
  CHECK(source_of_limit(spec, 0) == "context_length");
  CHECK(source_of_limit(spec, 512) == "context_length");
  CHECK(source_of_limit(spec, 511) == "ctx_size");
  spec.max_tokens = {256, FactSource::known_model};
  CHECK(source_of_limit(spec, 0) == "known_model");
  CHECK(source_of_limit(spec, 300) == "known_model");
  CHECK(source_of_limit(spec, 255) == "ctx_size");
  spec.max_tokens = {1024, FactSource::model_file};
  CHECK(source_of_limit(spec, 0) == "context_length");
}

TEST_CASE("a prepared text has the ids of its prompt, EOS last") {
  CHECK(prepare("ab").ids == Ids{'a', 'b', kEos});
  CHECK(prepare("ab").tokens_dropped == 0);
  const Ids query = prepare("q", {.input_type = InputType::query, .instruction = "t"}).ids;
  CHECK(std::string(query.begin(), query.end() - 1) == "Instruct: t\nQuery:q");
  CHECK(query.back() == kEos);
}

TEST_CASE("an empty text is refused, even where a prompt would go before it") {
  CHECK(unwrap_error(try_prepare("", {}, 10)).code == ErrorCode::empty_text);
  const Error query = unwrap_error(try_prepare("", {.input_type = InputType::query}, 1000));
  CHECK(query.code == ErrorCode::empty_text);
  CHECK(query.message == "the text is empty");
}

TEST_CASE("a text of as many tokens as the model takes is whole, one more is too long") {
  for (const Truncate side : {Truncate::error, Truncate::left, Truncate::right}) {
    CHECK(prepare("abcd", {.truncate = side}, 5).ids == Ids{'a', 'b', 'c', 'd', kEos});
  }
  const Error error = unwrap_error(try_prepare("abcde", {}, 5));
  CHECK(error.code == ErrorCode::text_too_long);
  CHECK(error.message == "the text has 6 tokens, the model takes 5");
  CHECK(error.hint == "split the text, or ask for truncation ('--truncate right')");
  CHECK(error.facts.text("tokens") == "6");
  CHECK(error.facts.text("limit") == "5");
}

TEST_CASE("truncation drops tokens on its side, counts them, and keeps EOS last") {
  const PreparedText right = prepare("abcdef", {.truncate = Truncate::right}, 4);
  CHECK(right.ids == Ids{'a', 'b', 'c', kEos});
  CHECK(right.tokens_dropped == 3);
  const PreparedText left = prepare("abcdef", {.truncate = Truncate::left}, 4);
  CHECK(left.ids == Ids{'d', 'e', 'f', kEos});
  CHECK(left.tokens_dropped == 3);
  CHECK(prepare("ab", {.truncate = Truncate::right}, 1).ids == Ids{kEos});
  CHECK(prepare("ab", {.truncate = Truncate::left}, 1).ids == Ids{kEos});
}

TEST_CASE("truncation leaves both ends of a text that is framed at both") {
  const Framed tokenizer;
  const ModelSpec spec{.frame = {.before = {1}, .after = {2}}};
  const auto cut = [&tokenizer, &spec](Truncate side, uint32_t limit) {
    return unwrap(prepare_text("abcdef", {.truncate = side}, spec, tokenizer, limit)).ids;
  };
  CHECK(cut(Truncate::right, 4) == Ids{1, 'a', 'b', 2});
  CHECK(cut(Truncate::left, 4) == Ids{1, 'e', 'f', 2});
  CHECK(cut(Truncate::left, 2) == Ids{1, 2});
  CHECK(cut(Truncate::right, 1) == Ids{2});
  CHECK(cut(Truncate::left, 1) == Ids{2});
}

TEST_CASE(
    "truncation keeps a frame whose ids only the engine knows, and cuts where there is none") {
  using runed::embed::Frame;
  using runed::embed::kTokenOfEngine;
  const auto cut = [](Truncate side, const Frame& frame) {
    return unwrap(prepare_text("abcdef", {.truncate = side}, {.frame = frame}, Framed(), 4)).ids;
  };
  const Frame of_engine{.before = {kTokenOfEngine}, .after = {kTokenOfEngine}};
  CHECK(cut(Truncate::right, of_engine) == Ids{1, 'a', 'b', 2});
  CHECK(cut(Truncate::right, {}) == Ids{1, 'a', 'b', 'c'});
  CHECK(cut(Truncate::left, {}) == Ids{'d', 'e', 'f', 2});
}

TEST_CASE("dimensions from the fewest that the model is known to bear to its own are accepted") {
  for (const uint32_t dimensions : {0U, 32U, 33U, 64U}) {
    unwrap(check_options({.dimensions = dimensions}, info_of(kQwen3)));
  }
  for (const uint32_t dimensions : {1U, 31U, 65U}) {
    const Error error = unwrap_error(check_options({.dimensions = dimensions}, info_of(kQwen3)));
    CHECK(error.code == ErrorCode::bad_dimensions);
    CHECK(error.message ==
          fmt::format("cannot give {} dimensions: 'bytes' has 32 to 64", dimensions));
    CHECK(error.facts.text("dimensions") == std::to_string(dimensions));
    CHECK(error.facts.text("minimum") == "32");
    CHECK(error.facts.text("maximum") == "64");
  }
}

TEST_CASE("a model that is not known to be cuttable gives its own dimensions and no others") {
  for (const ModelSpec& spec : {kUnknown, kE5}) {
    for (const uint32_t dimensions : {0U, 64U}) {
      unwrap(check_options({.dimensions = dimensions}, info_of(spec)));
    }
    for (const uint32_t dimensions : {1U, 32U, 63U, 65U}) {
      const Error error = unwrap_error(check_options({.dimensions = dimensions}, info_of(spec)));
      CHECK(error.code == ErrorCode::bad_dimensions);
      CHECK(error.message == fmt::format("cannot give {} dimensions: 'bytes' has 64, and is not "
                                         "known to have been trained to be cut",
                                         dimensions));
      CHECK(error.hint == "leave the dimensions out, or ask for 64");
      CHECK(error.facts.text("minimum") == "64");
      CHECK(error.facts.text("maximum") == "64");
    }
  }
}

TEST_CASE("an instruction goes with queries only") {
  unwrap(check_options({.input_type = InputType::query, .instruction = "t"}, info_of(kQwen3)));
  for (const InputType type : {InputType::unspecified, InputType::document}) {
    const Error error =
        unwrap_error(check_options({.input_type = type, .instruction = "t"}, info_of(kQwen3)));
    CHECK(error.code == ErrorCode::invalid_argument);
    CHECK(error.message == "an instruction goes with queries only");
  }
}

TEST_CASE("an instruction has a bound of its own: it is tokenised before each text") {
  EmbedOptions options{.input_type = InputType::query, .instruction = std::string(16 << 10, 't')};
  unwrap(check_options(options, info_of(kQwen3)));
  options.instruction += "t";
  const Error error = unwrap_error(check_options(options, info_of(kQwen3)));
  CHECK(error.code == ErrorCode::invalid_argument);
  CHECK(error.message == "the instruction has 16385 bytes, 16384 are allowed");
  CHECK(error.facts.text("field") == "instruction");
}

TEST_CASE("an instruction is refused where the model's prompt has no place for it") {
  const auto refusal = [](const ModelSpec& spec) {
    const Error error = unwrap_error(
        check_options({.input_type = InputType::query, .instruction = "t"}, info_of(spec)));
    CHECK(error.code == ErrorCode::invalid_argument);
    CHECK(error.hint == "leave the instruction out");
    return error.message;
  };
  CHECK(refusal(kUnknown) ==
        "cannot give 'bytes' an instruction: no prompt is known for its queries");
  CHECK(refusal(kE5) ==
        "cannot give 'bytes' an instruction: the prompt for its queries has no task");
  CHECK(refusal(spec_of({})) ==
        "cannot give 'bytes' an instruction: it takes no prompt with a query");
  unwrap(check_options({.input_type = InputType::query}, info_of(kUnknown)));
}

TEST_CASE("one pass gives each text its vector and its counts") {
  FakeEngine fake;
  const std::vector<PreparedText> texts{prepare("abcdef", {.truncate = Truncate::right}, 4),
                                        prepare("xy")};
  const std::vector<const PreparedText*> pass{&texts[1], &texts[0]};
  const std::vector<Embedding> embeddings = unwrap(embed_pass(fake, pass));
  CHECK(has_vectors_of(embeddings, {texts[1], texts[0]}));
  CHECK(embeddings[0].tokens_dropped == 0);
  CHECK(embeddings[1].tokens_dropped == 3);
  CHECK(fake.pass_sizes == Sizes{2});
}

TEST_CASE("many texts are embedded in their order, in passes that are not too large") {
  FakeEngine fake;
  fake.tokens_per_pass = 6;
  // Of 3, 3, 2, 9, 2, 4 and 1 + 1 tokens: the fourth is a pass of its own, though too large.
  const auto texts = prepare_all({"ab", "cd", "e", "ijklmnop", "f", "ghi", "z"});
  CHECK(has_vectors_of(unwrap(embed_all(fake, texts)), texts));
  CHECK(fake.pass_sizes == Sizes{2, 1, 1, 2, 1});
}

TEST_CASE("no texts need no pass") {
  FakeEngine fake;
  CHECK(unwrap(embed_all(fake, {})).empty());
  CHECK(fake.pass_sizes.empty());
}

TEST_CASE("the error of a pass is the error of all texts") {
  FakeEngine fake;
  fake.result = runed::make_error(ErrorCode::not_finite, "the vector of text 0 is not finite");
  const Error error = unwrap_error(embed_all(fake, prepare_all({"a"})));
  CHECK(error.code == ErrorCode::not_finite);
  CHECK(error.message == "the vector of text 0 is not finite");
}

TEST_CASE("a cut vector has its first floats, and unit length again") {
  std::vector<float> vector = FakeEngine::random_vector(Ids{1, 2, 3}, 64);
  const std::vector<float> whole = vector;
  unwrap(cut_dimensions(vector, 32));
  REQUIRE(vector.size() == 32);
  double squares = 0;
  for (const float value : vector) squares += std::pow(static_cast<double>(value), 2);
  CHECK(std::sqrt(squares) == Approx(1).epsilon(1e-6));
  const double scale = static_cast<double>(vector[0]) / static_cast<double>(whole[0]);
  CHECK(scale > 1);
  for (size_t i = 0; i < 32; ++i) {
    CHECK(static_cast<double>(vector[i]) == Approx(scale * static_cast<double>(whole[i])));
  }
}

TEST_CASE("a vector of the dimensions asked for, or of none, stays as it is") {
  const std::vector<float> whole{0.5F, 0.5F, 0.5F};  // Not of unit length: it would show.
  for (const uint32_t dimensions : {0U, 3U}) {
    std::vector<float> vector = whole;
    unwrap(cut_dimensions(vector, dimensions));
    CHECK(vector == whole);
  }
}

TEST_CASE("a cut that leaves nothing to scale is refused") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float first : {0.0F, nan}) {
    std::vector<float> vector{first, 0.0F, 1.0F};
    const Error error = unwrap_error(cut_dimensions(vector, 2));
    CHECK(error.code == ErrorCode::not_finite);
    CHECK(error.message == "the vector's first 2 floats cannot be normalised");
  }
}

TEST_CASE("a text with far too many bytes is refused or cut before it is tokenised") {
  ModelInfo model = info_of(kUnknown);
  model.max_tokens = 100;
  model.max_text_bytes = 1000;
  const std::string fits(1000, 'x');
  CHECK(unwrap(bound_text(fits, {}, model)) == fits);
  const std::string longer = fits + "yz";
  const Error error = unwrap_error(bound_text(longer, {}, model));
  CHECK(error.code == ErrorCode::text_too_long);
  CHECK(error.message ==
        "the text has 1002 bytes, which are 100 tokens or more; the model takes 100");
  CHECK(error.facts.text("limit") == "100");
  CHECK(error.facts.text("bytes") == "1002");
  CHECK(unwrap(bound_text(longer, {.truncate = Truncate::right}, model)) == fits);
  CHECK(unwrap(bound_text(longer, {.truncate = Truncate::left}, model)) == longer.substr(2));
  model.max_text_bytes = 0;  // None is known.
  CHECK(unwrap(bound_text(longer, {}, model)) == longer);
}

TEST_CASE("a text is cut between two characters") {
  ModelInfo model = info_of(kUnknown);
  model.max_tokens = 1;
  std::string text;
  for (int i = 0; i < 10; ++i) text += "\U0001F600";
  for (model.max_text_bytes = 5; model.max_text_bytes < 12; ++model.max_text_bytes) {
    for (const Truncate side : {Truncate::left, Truncate::right}) {
      const std::string_view cut = unwrap(bound_text(text, {.truncate = side}, model));
      CHECK(cut.size() == model.max_text_bytes / 4 * 4);
      CHECK_FALSE(runed::find_invalid_utf8(cut).has_value());
    }
  }
}
