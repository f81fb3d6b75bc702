#include "cmd/line/command_line.hpp"

#include <tuple>

#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::cmd::CommandLine;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {
runed::Error parse_error(const std::vector<std::string>& arguments) {
  CommandLine command_line;
  auto error = unwrap_error(command_line.parse(arguments));
  CHECK(error.code == ErrorCode::usage);
  return error;
}
}  // namespace

TEST_CASE("a misspelt command is answered with the nearest") {
  const auto error = parse_error({"stauts"});
  CHECK(error.message == "unknown command 'stauts'");
  CHECK(error.hint == "did you mean 'status'?");
}

TEST_CASE("a misspelt flag is answered with the nearest") {
  const auto error = parse_error({"embed", "--jsno", "text"});
  CHECK(error.message == "unknown option '--jsno'");
  CHECK(error.hint == "did you mean '--json'?");
  CHECK(parse_error({"embed", "--dimension=64"}).hint == "did you mean '--dimensions'?");
}

TEST_CASE("a flag that is known is not answered with itself, but with its place") {
  const auto before = parse_error({"--home", "/tmp/x", "status"});
  CHECK(before.message == "the option '--home' stands before the command");
  CHECK(before.hint == "write it behind: runed status --home");
  CHECK(parse_error({"--json"}).message == "the option '--json' stands before the command");
  CHECK(parse_error({"--hmoe", "/tmp/x", "status"}).hint == "did you mean '--home'?");
}

TEST_CASE("the beginning of a flag is answered with the flag") {
  CHECK(parse_error({"embed", "--dim", "5", "text"}).hint == "did you mean '--dimensions'?");
  CHECK(parse_error({"embed", "--t", "text"}).hint == "run 'runed embed --help'");
}

TEST_CASE("a flag without a value, or with two, is told so") {
  CHECK(parse_error({"status", "--home"}).message == "--home needs a value");
  CHECK(parse_error({"status", "--home", "a", "--home", "b"}).message ==
        "--home is given more than once");
}

TEST_CASE("no range has more digits than people read") {
  for (const auto& [command, flag, value] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"shutdown", "--wait", "-1"},
           {"shutdown", "--grace", "1.5"},
           {"status", "--wait-ready", "x"},
           {"gc", "--keep", "-1"},
           {"embed", "--timeout", "0"},
           {"embed", "--dimensions", "x"}}) {
    const auto error = parse_error({command, flag, value});
    CAPTURE(error.message);
    CHECK(error.message.find(fmt::format("{}: '{}' is not a ", flag, value)) == 0);
    CHECK(error.message.size() < 120);
  }
}

TEST_CASE("a word that is near nothing is answered with where to read on") {
  CHECK(parse_error({"frobnicate"}).hint == "run 'runed --help'");
  CHECK(parse_error({"status", "--frobnicate"}).hint == "run 'runed status --help'");
  CHECK(parse_error({"status", "now"}).message == "unexpected argument 'now'");
}

TEST_CASE("no command at all is answered with the commands") {
  const auto error = parse_error({});
  CHECK(error.message == "no command given");
  CHECK(error.hint ==
        "one of embed, rerank, status, models, serve, reload, shutdown, convert, install, "
        "uninstall, verify, "
        "doctor, gc; run 'runed --help'");
}

TEST_CASE("a value that does not fit is refused by the flag's name") {
  CHECK(parse_error({"embed", "--dimensions", "many"}).message.find("--dimensions") !=
        std::string::npos);
  CHECK(parse_error({"embed", "--truncate", "middle"}).message.find("--truncate") !=
        std::string::npos);
  CHECK(parse_error({"shutdown", "--wait", "-1"}).message.find("--wait") != std::string::npos);
  CHECK(parse_error({"embed", "-f", "a.txt", "text"}).hint == "run 'runed embed --help'");
}

TEST_CASE("an option with nothing behind its = does not take the next word") {
  for (const char* option : {"--instruct", "--file", "--model", "--json"}) {
    const auto error = parse_error({"embed", fmt::format("{}=", option), "text"});
    CHECK(error.message == fmt::format("'{}=' has no value", option));
    CHECK(error.hint == "give one after the '=', or leave the option out");
  }
  CHECK(parse_error({"embed", "--instrcut=", "text"}).hint == "did you mean '--instruct'?");
  CommandLine command_line;
  unwrap(command_line.parse({"embed", "--instruct=a=", "--", "--file="}));
}

TEST_CASE("help and version are texts for stdout") {
  CommandLine command_line;
  CHECK(unwrap(command_line.parse({"--version"})).text.starts_with("runed v"));
  CommandLine again;
  const std::string help = unwrap(again.parse({"embed", "--help"})).text;
  CHECK(help.find("Examples:") < help.find("--json"));
}

TEST_CASE("a text may look like a flag after two dashes") {
  CommandLine command_line;
  CHECK(unwrap(command_line.parse({"embed", "--", "--json"})).run);
  CHECK(runed::cmd::wants_json({"embed", "--json"}));
  CHECK_FALSE(runed::cmd::wants_json({"embed", "--", "--json"}));
}
