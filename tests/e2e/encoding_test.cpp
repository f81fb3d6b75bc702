// Files that are no text in UTF-8: what the command says they are, and that what it advises works.
#include "runed_process.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::test::Finished;
using runed::test::Home;
using runed::test::read_text;
using runed::test::unwrap;
using runed::test::write_text;

namespace {

// Nothing that is not in Windows-1252.
const std::string kText = "\u00dcber den \u201eFlu\u00df\u201c \u2013 caf\u00e9, 5 \u20ac\nnext\n";

struct Case {
  std::string make;   // A filter from the text to the file.
  std::string looks;  // `looks_like` in the error's details.
};

// The error of a command, which is one of the input.
Json error_of(const Finished& done) {
  CAPTURE(done.out, done.err);
  CHECK(done.exit_code == 65);
  CHECK(done.out.empty());
  Json error = unwrap(runed::parse_json(done.err))["error"];
  CHECK(error["code"] == "BAD_INPUT");
  return error;
}

}  // namespace

TEST_CASE("the advised command makes a text of the file", "[encoding]") {
  Home home;
  const std::string good = home.file("good.txt");
  const std::string bad = home.file("bad.txt");
  write_text(good, kText);
  const Finished expected = home.run({"embed", "-f", good});
  REQUIRE(expected.exit_code == 0);
  for (const auto& [make, looks] : std::vector<Case>{
           {"iconv -f UTF-8 -t UTF-16", "UTF-16"},
           {"iconv -f UTF-8 -t UTF-16LE", "UTF-16LE without a byte order mark"},
           {"iconv -f UTF-8 -t UTF-16BE", "UTF-16BE without a byte order mark"},
           {"iconv -f UTF-8 -t UTF-32", "UTF-32"},
           {"iconv -f UTF-8 -t WINDOWS-1252", "Windows-1252"},
           {"gzip -c", "gzip data"},
           {"xz -c", "xz data"},
           {"bzip2 -c", "bzip2 data"}}) {
    CAPTURE(make);
    REQUIRE(home.run_shell(make + " < " + good + " > " + bad).exit_code == 0);
    for (const bool is_file : {true, false}) {
      const Json error =
          error_of(is_file ? home.run({"embed", "--json", "-f", bad})
                           : home.run({"embed", "--json"}, read_text(bad)));
      CHECK(error["details"]["looks_like"] == looks);
      const std::string hint = error["hint"];
      const size_t command = hint.find(", with: ");
      REQUIRE(command != std::string::npos);
      const Finished done = home.run_shell(hint.substr(command + 8) + " < " + bad + " | " +
                                           RUNED_EXECUTABLE + " embed");
      CAPTURE(hint, done.err);
      CHECK(done.exit_code == 0);
      CHECK(done.out == expected.out);
    }
  }
}

TEST_CASE("a damaged or cut file is not taken for one in another encoding", "[encoding]") {
  Home home;
  const std::string damaged = "caf\u00e9 \u6c34\nna\xC3ve \u00e9t\u00e9\n";
  const Json error = error_of(home.run({"embed", "--json"}, damaged));
  CHECK(error["message"] ==
        "line 2 of stdin is not UTF-8: invalid byte at offset 2 of the line, 12 of the input");
  CHECK(error["details"] ==
        Json{{"index", "1"},
             {"line", "2"},
             {"line_offset", "2"},
             {"looks_like", "UTF-8 that is damaged, or mixed with another encoding"},
             {"offset", "12"}});
  CHECK(error["hint"] ==
        "it looks like UTF-8 that is damaged, or mixed with another encoding: mend or convert these "
        "places, or leave out what is broken, with: iconv -c -f UTF-8 -t UTF-8");
  const Json cut = error_of(home.run({"embed", "--json"}, "caf\u00e9 \xE6\xB0"));
  CHECK(cut["details"]["looks_like"] == "UTF-8 that ends in the middle of a character");
  const Json argument = error_of(home.run({"embed", "--json", "caf\u00e9", "caf\xC3"}));
  CHECK(argument["details"] == Json{{"index", "1"},
                                    {"looks_like", "UTF-8 that ends in the middle of a character"},
                                    {"offset", "3"},
                                    {"text", "2"}});
}

TEST_CASE("binary files are called what they are", "[encoding]") {
  Home home;
  const Json model = error_of(home.run({"embed", "--json", "-f", RUNED_BUILTIN_MODEL}));
  CHECK(model["details"]["looks_like"] == "a GGUF model");
  const Json program = error_of(home.run({"embed", "--json", "-f", RUNED_EXECUTABLE}));
  CHECK(program["details"]["looks_like"] == "an executable");
}

TEST_CASE("files that were joined keep no byte order mark in their texts", "[encoding]") {
  Home home;
  const Finished expected = home.run({"embed", "--ids"}, "one\ntwo\n");
  REQUIRE(expected.exit_code == 0);
  CHECK(home.run({"embed", "--ids"}, "\uFEFFone\n\uFEFFtwo\n").out == expected.out);
  CHECK(home.run({"embed", "--ids", "\uFEFFone", "two"}).out == expected.out);
  CHECK(home.run({"embed"}, "one\n\uFEFF\ntwo\n").exit_code == 67);
  CHECK(home.run({"embed", "\uFEFF"}).exit_code == 67);
}
