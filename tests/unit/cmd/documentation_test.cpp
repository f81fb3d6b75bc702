// Every command and every flag of the parser must be in the man pages and in the completions of all
// three shells, every setting there and in README as the table has it, and every reason that is for the
// wire in README.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/error.hpp"
#include "bootstrap/config/setting_values.hpp"
#include "cmd/line/command_line.hpp"
#include "embed/native/isa/kernel_choice.hpp"
#include "setting_parts.hpp"
#include "support/catch.hpp"

namespace {

std::string read(const std::string& path) {
  std::ifstream file(std::string(RUNED_SOURCE_DIR "/") + path);
  CAPTURE(path);
  REQUIRE(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The long flags of a command, without their dashes.
std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back(name);
  }
  return names;
}

// roff writes the dashes of a flag as `\-\-`.
std::string in_roff(const std::string& name) {
  std::string text = "\\-\\-";
  for (const char c : name) text += c == '-' ? std::string("\\-") : std::string(1, c);
  return text;
}

// What stands between the comments of a part: where it begins and where it ends.
std::pair<size_t, size_t> find_part(const std::string& text, const std::string& name) {
  const size_t comment = text.find("setting_table.cpp: " + name);
  REQUIRE(comment != std::string::npos);
  const size_t begin = text.find('\n', comment) + 1;
  const size_t end = text.rfind('\n', text.find("setting_table.cpp: end", begin)) + 1;
  REQUIRE(end >= begin);
  return {begin, end};
}

}  // namespace

TEST_CASE("every flag is in the manual page of its command") {
  runed::cmd::CommandLine command_line;
  for (const CLI::App* command : command_line.app().get_subcommands({})) {
    const std::string page = read("man/runed-" + command->get_name() + ".1");
    for (const std::string& flag : flags_of(*command)) {
      CAPTURE(command->get_name(), flag);
      CHECK(page.find(in_roff(flag)) != std::string::npos);
    }
    CHECK(read("man/runed.1").find("runed\\-" + command->get_name()) != std::string::npos);
  }
}

// A completion has one block a command, opened by the name and `)` (bash, zsh) or repeated on each
// line (fish), so a flag is looked for behind its own command and not anywhere in the file.
TEST_CASE("every flag is completed by bash and zsh") {
  runed::cmd::CommandLine command_line;
  for (const char* path : {"completions/runed.bash", "completions/_runed"}) {
    const std::string script = read(path);
    for (const CLI::App* command : command_line.app().get_subcommands({})) {
      CAPTURE(path, command->get_name());
      const size_t begin = script.find("\n    " + command->get_name() + ")\n");
      REQUIRE(begin != std::string::npos);
      const std::string block = script.substr(begin, script.find(";;", begin) - begin);
      for (const std::string& flag : flags_of(*command)) {
        CAPTURE(flag);
        CHECK(block.find("--" + flag) != std::string::npos);
      }
    }
  }
}

TEST_CASE("every flag is completed by fish") {
  runed::cmd::CommandLine command_line;
  const std::string script = read("completions/runed.fish");
  for (const CLI::App* command : command_line.app().get_subcommands({})) {
    for (const std::string& flag : flags_of(*command)) {
      CAPTURE(command->get_name(), flag);
      const std::string condition = "'__fish_seen_subcommand_from " + command->get_name() + "' ";
      bool found = false;
      std::istringstream lines(script);
      for (std::string line; std::getline(lines, line);) {
        found = found || (line.find(condition) != std::string::npos &&
                          (line + " ").find(" -l " + flag + " ") != std::string::npos);
      }
      CHECK(found);
    }
  }
}

TEST_CASE("README, manual and completions say of settings what their table says", "[settings]") {
  INFO("ACCEPT=1 build/dev/bin/unit_cmd '[settings]' writes what the table says");
  for (const std::string_view path : runed::test::kFilesWithSettings) {
    std::string text = read(std::string(path));
    for (const auto& [name, expected] : runed::test::setting_parts(path)) {
      CAPTURE(path, name);
      const auto [begin, end] = find_part(text, name);
      if (std::getenv("ACCEPT") != nullptr) {
        text.replace(begin, end - begin, expected);
      } else {
        CHECK(text.substr(begin, end - begin) == expected);
      }
    }
    if (std::getenv("ACCEPT") == nullptr) continue;
    std::ofstream(std::string(RUNED_SOURCE_DIR "/") + std::string(path), std::ios::binary) << text;
  }
}

TEST_CASE("the instruction sets that can be named are those of the native engine") {
  const auto& names = runed::bootstrap::kInstructionSetNames;
  for (const auto* kernel : runed::embed::native::available_kernels()) {
    CAPTURE(kernel->name);
    CHECK(std::ranges::find(names, kernel->name) != names.end());
  }
}

TEST_CASE("README lists the reasons of errors on the wire") {
  const std::string readme = read("README.md");
  constexpr auto kFirst = runed::ErrorCode::bootstrapping;
  constexpr auto kLast = runed::ErrorCode::peer_refused;
  for (int i = static_cast<int>(kFirst); i <= static_cast<int>(kLast); ++i) {
    const auto name = std::string(name_of(static_cast<runed::ErrorCode>(i)));
    CAPTURE(name);
    CHECK(readme.find("`" + name + "`") != std::string::npos);
  }
}
