#include "embed/tokenizer/unigram_normalizer.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

using runed::embed::Charsmap;
using runed::embed::UnigramNormalizer;

namespace {

using Options = UnigramNormalizer::Options;
using Parts = std::vector<std::string>;

Parts stretches(std::string_view text, const Options& options) {
  const UnigramNormalizer normalizer(Charsmap(), options);
  Parts parts;
  normalizer.for_each_stretch(text, [&](std::string_view part) { parts.emplace_back(part); });
  return parts;
}

const std::string kMark = "\u2581";
const Options kWhole{.split_words = false};

}  // namespace

TEST_CASE("words are split at white space of any kind, and begin with a mark") {
  CHECK(stretches(" a\u3000b\t\n\u00a0c \u0085", {}) ==
        Parts{kMark + "a", kMark + "b", kMark + "c"});
  CHECK(stretches("  \t ", {}).empty());
  CHECK(stretches("", {}).empty());
  CHECK(stretches("a\u200bb", {}) == Parts{kMark + "a\u200bb"});
}

TEST_CASE("a mark of the text itself begins a stretch, as a space does") {
  CHECK(stretches(kMark + "a" + kMark + kMark + "b" + kMark, {}) ==
        Parts{kMark + "a", kMark, kMark + "b", kMark});
  CHECK(stretches("a b", {.split_words = false, .split_marks = false}) ==
        Parts{kMark + "a" + kMark + "b"});
}

TEST_CASE("without words each space is a mark, unless it is stripped or merged") {
  CHECK(stretches(" a  b ", kWhole) == Parts{kMark + "a", kMark, kMark + "b", kMark});
  CHECK(stretches("a\tb", kWhole) == Parts{kMark + "a\tb"});
  Options options = kWhole;
  options.merge_spaces = true;
  CHECK(stretches("  a   b  ", options) == Parts{kMark + "a", kMark + "b", kMark});
  options.strip_right = true;
  CHECK(stretches("  a   b  ", options) == Parts{kMark + "a", kMark + "b"});
  CHECK(stretches(" \t\u3000", options).empty());
  options = kWhole;
  options.strip_left = true;
  CHECK(stretches("\u3000 a ", options) == Parts{kMark + "a", kMark});
}

TEST_CASE("a text begins without a mark where none is wanted") {
  CHECK(stretches("a b", {.split_words = false, .mark_begin = false}) == Parts{"a", kMark + "b"});
  CHECK(stretches("a b", {.mark_begin = false}) == Parts{"a", "b"});
}
