#include "base/error.hpp"

#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::make_error;

TEST_CASE("an error reads: what, why, then a hint") {
  const auto error =
      make_error(ErrorCode::permission_denied, "cannot bind '{}': permission denied", "/run/d.sock")
          .with_hint("set RUNED_HOME to a directory of yours");
  CHECK(format_error(error) ==
        "runed: error: cannot bind '/run/d.sock': permission denied\n"
        "hint: set RUNED_HOME to a directory of yours\n");
}

TEST_CASE("an error in JSON is one line with its code and details") {
  const auto error = make_error(ErrorCode::text_too_long, "text 3 has 600 tokens")
                         .with(runed::fact::kLimit, 512)
                         .with(runed::fact::kIndex, 3);
  CHECK(format_error_json(error) ==
        R"({"error":{"code":"TEXT_TOO_LONG","message":"text 3 has 600 tokens",)"
        R"("details":{"index":"3","limit":"512"}}})"
        "\n");
}

TEST_CASE("a path that is not UTF-8 is told with escapes, in words and in JSON") {
  const auto error = make_error(ErrorCode::io, "cannot open '{}'", "/h\xff/m.gguf")
                         .with_hint("see '/h\xff'")
                         .with(runed::Fact<std::string>{"path\xfe"}, "/h\xff");
  CHECK(format_error(error) == "runed: error: cannot open '/h\\xff/m.gguf'\nhint: see '/h\\xff'\n");
  CHECK(format_error_json(error) ==
        R"({"error":{"code":"IO","message":"cannot open '/h\\xff/m.gguf'",)"
        R"("hint":"see '/h\\xff'","details":{"path\\xfe":"/h\\xff"}}})"
        "\n");
}

TEST_CASE("every code is found again by its wire name") {
  for (int i = 0; i <= static_cast<int>(ErrorCode::peer_refused); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    CHECK(runed::find_error_code(name_of(code)) == code);
  }
  CHECK_FALSE(runed::find_error_code("NO_SUCH_REASON").has_value());
}

namespace {
runed::Result<int> half(int value) {
  if (value % 2 != 0) return make_error(ErrorCode::invalid_argument, "{} is odd", value);
  return value / 2;
}

runed::Result<std::string> quarter(int value) {
  TRY(half(value));
  TRY_ASSIGN(const int once, half(value));
  TRY_ASSIGN(const int twice, half(once));
  return std::to_string(twice);
}
}  // namespace

TEST_CASE("TRY and TRY_ASSIGN pass the first error on") {
  CHECK(runed::test::unwrap(quarter(8)) == "2");
  CHECK(runed::test::unwrap_error(quarter(3)).message == "3 is odd");
  CHECK(runed::test::unwrap_error(quarter(6)).message == "3 is odd");
}
