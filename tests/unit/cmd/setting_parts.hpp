#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace runed::test {

/// A part of a file that says what the table of settings says. It stands between two comments,
/// `setting_table.cpp: <name>` and `setting_table.cpp: end`.
struct SettingPart {
  std::string name;
  std::string text;
};

/// The parts of one file, by its path in the tree, as the table has them.
std::vector<SettingPart> setting_parts(std::string_view path);

/// The files that have such parts.
inline constexpr std::string_view kFilesWithSettings[] = {
    "README.md",          "man/runed-config.5",    "man/runed-serve.1", "completions/runed.bash",
    "completions/_runed", "completions/runed.fish"};

}  // namespace runed::test
