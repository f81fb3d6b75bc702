#include "bootstrap/manifest/variant.hpp"

#include <vector>

#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::bootstrap::find_variant;
using runed::bootstrap::is_variant_name;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

const std::vector<std::string> kNames{"a.q8_0", "b.q8_0", "b.f16", "q8_0.b"};

}  // namespace

TEST_CASE("among names a variant is found in full or by its last part") {
  CHECK(unwrap(find_variant(kNames, "b.q8_0")) == "b.q8_0");
  CHECK(unwrap(find_variant(kNames, "f16")) == "b.f16");
}

TEST_CASE("a part of a part is not a variant") {
  CHECK(unwrap_error(find_variant(kNames, "16")).code == ErrorCode::not_found);
  CHECK(unwrap_error(find_variant(kNames, "")).code == ErrorCode::not_found);
}

TEST_CASE("what could be several, or is none, is answered with what there is") {
  const auto several = unwrap_error(find_variant(kNames, "q8_0"));
  CHECK(several.code == ErrorCode::bad_config);
  CHECK(several.message == "variant 'q8_0' could be any of: a.q8_0, b.q8_0");
  const auto none = unwrap_error(find_variant(kNames, "q4_K"));
  CHECK(none.message == "there is no variant 'q4_K'");
  CHECK(none.hint == "there are: a.q8_0, b.q8_0, b.f16, q8_0.b");
}

TEST_CASE("a misspelt variant, or one in another case, is answered with the nearest") {
  const std::vector<std::string> names{"large.q8_0", "large.f16", "small.f16"};
  const std::string all = "? there are: large.q8_0, large.f16, small.f16";
  CHECK(unwrap_error(find_variant(names, "Q8_0")).hint == "did you mean 'q8_0'" + all);
  CHECK(unwrap_error(find_variant(names, "q80")).hint == "did you mean 'q8_0'" + all);
  CHECK(unwrap_error(find_variant(names, "LARGE.F16")).hint == "did you mean 'large.f16'" + all);
  // What several end with is no name.
  CHECK(unwrap_error(find_variant(names, "F16")).hint == all.substr(2));
}

TEST_CASE("a variant's name is a plain file name") {
  for (const char* good : {"qwen3-embedding-0.6b.q8_0", "A", "7b.Q4_K_M", "x+y"}) {
    CAPTURE(good);
    CHECK(is_variant_name(good));
  }
  const std::string too_long(201, 'a');
  for (const std::string& bad : {std::string(), std::string("../x"), std::string("a/b"),
                                 std::string(".hidden"), std::string("-flag"), std::string("a b"),
                                 std::string("a\nb"), std::string("\xc3\xa4"), too_long}) {
    CAPTURE(bad);
    CHECK_FALSE(is_variant_name(bad));
  }
}
