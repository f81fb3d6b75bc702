#include "base/facts.hpp"

#include "base/error.hpp"
#include "support/catch.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Fact;
using runed::Facts;
using runed::make_error;
using namespace std::chrono_literals;
namespace fact = runed::fact;

namespace {

using Texts = std::map<std::string, std::string>;

}  // namespace

TEST_CASE("a fact has its own type in the program, and is a text on a wire") {
  Facts facts;
  CHECK(facts.is_empty());
  CHECK(facts.find(fact::kIndex) == nullptr);
  facts.set(fact::kIndex, uint64_t{3});
  facts.set(fact::kIndex, uint64_t{4});
  facts.set(fact::kDimensions, int64_t{-1});
  facts.set(fact::kRetryAfter, std::chrono::nanoseconds(1'250ms));
  facts.set(fact::kField, std::string("item"));
  CHECK(*facts.find(fact::kIndex) == 4);
  CHECK(facts.to_texts() ==
        Texts{{"index", "4"}, {"dimensions", "-1"}, {"retry_seconds", "1.25"}, {"field", "item"}});
  CHECK(facts.text("index") == "4");
  CHECK(facts.text("limit").empty());
}

TEST_CASE("a time is told in seconds, without zeros at its end") {
  for (const auto& [time, text] : std::map<std::chrono::nanoseconds, std::string>{
           {0ns, "0"}, {1ms, "0.001"}, {10ms, "0.01"}, {1s, "1"}, {100s, "100"}}) {
    Facts facts;
    facts.set(fact::kRetryAfter, time);
    CHECK(facts.text("retry_seconds") == text);
  }
}

TEST_CASE("what a wire says has the type of the fact again") {
  Facts facts;
  facts.add_text("index", "7");
  facts.add_text("dimensions", "-5");
  facts.add_text("retry_seconds", "0.5");
  facts.add_text("field", "text");
  facts.add_text("of_another_version", "12");
  CHECK(*facts.find(fact::kIndex) == 7);
  CHECK(*facts.find(fact::kDimensions) == -5);
  CHECK(*facts.find(fact::kRetryAfter) == 500ms);
  CHECK(*facts.find(fact::kField) == "text");
  CHECK(*facts.find(Fact<std::string>{"of_another_version"}) == "12");
}

TEST_CASE("what cannot be read as its fact is left out") {
  Facts facts;
  for (const char* text : {"", "x", "-1", "1x", "1e99"}) facts.add_text("index", text);
  for (const char* text : {"", "soon", "-1", "nan", "1e99"}) facts.add_text("retry_seconds", text);
  CHECK(facts.is_empty());
}

TEST_CASE("context goes before what was said, as an error rises") {
  const Error error = make_error(ErrorCode::io, "no space left on device")
                          .in("cannot write '/f'")
                          .in("cannot install 'm'");
  CHECK(error.message == "cannot install 'm': cannot write '/f': no space left on device");
}
