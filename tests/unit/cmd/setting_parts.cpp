#include "setting_parts.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <sstream>

#include "bootstrap/config/setting_table.hpp"

namespace runed::test {
namespace {

using bootstrap::Meaning;
using bootstrap::Scope;
using bootstrap::SettingRow;

constexpr size_t kColumns = 80;

std::vector<SettingRow> all_rows() {
  std::vector<SettingRow> rows(bootstrap::place_rows().begin(), bootstrap::place_rows().end());
  rows.insert(rows.end(), bootstrap::setting_rows().begin(), bootstrap::setting_rows().end());
  return rows;
}

std::vector<SettingRow> rows_with_flag() {
  std::vector<SettingRow> rows = all_rows();
  std::erase_if(rows, [](const SettingRow& row) { return row.flag == nullptr; });
  std::ranges::sort(rows, {}, [](const SettingRow& row) { return std::string_view(row.flag); });
  return rows;
}

std::string replace_all(std::string text, std::string_view what, std::string_view with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
  return text;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// The row's sentences with its words in the place of `{words}`: `auto`, `native` or `llama-server`.
std::string with_words(const SettingRow& row, std::string text) {
  if (row.words.empty()) return text;
  const auto others = row.words.first(row.words.size() - 1);
  return replace_all(std::move(text), "{words}",
                     fmt::format("`{}` or `{}`", fmt::join(others, "`, `"), row.words.back()));
}

// Lines of at most so many columns, each after the first behind an indentation.
std::string wrap(const std::string& text, size_t columns, const std::string& indentation = "") {
  std::istringstream words(text);
  std::string lines;
  size_t width = 0;
  for (std::string word; words >> word;) {
    const bool begins = lines.empty() || width + 1 + word.size() > columns;
    if (begins && !lines.empty()) lines += "\n" + indentation;
    if (!begins) lines += ' ';
    width =
        begins ? (lines.empty() ? 0 : indentation.size()) + word.size() : width + 1 + word.size();
    lines += word;
  }
  return lines;
}

// Markdown as roff. A link leads to the section of that name on `page`, which is the page itself if
// it is empty.
std::string to_roff(const std::string& markdown, const std::string& page) {
  std::string roff;
  bool is_bold = false;
  for (size_t at = 0; at < markdown.size(); ++at) {
    const char c = markdown[at];
    if (c == '[') {
      std::string title = markdown.substr(at + 1, markdown.find(']', at) - at - 1);
      std::ranges::transform(title, title.begin(), [](unsigned char l) { return std::toupper(l); });
      roff += page.empty() ? "\\fB" + title + "\\fR" : page;
      at = markdown.find(')', at);
    } else if (c == '`') {
      is_bold = !is_bold;
      roff += is_bold ? "\\fB" : "\\fR";
    } else if (c == '-') {
      roff += "\\-";
    } else if (c == '\'') {
      roff += "\\(aq";
    } else {
      roff += c;
    }
  }
  return roff;
}

constexpr const char* kConfigPage = "\\fBruned\\-config\\fR(5)";

// What the manual says of a setting, a sentence a line.
std::string manual_text(const SettingRow& row, const std::string& page) {
  std::string text = row.text;
  if (row.details != nullptr) text += std::string(" ") + row.details;
  text = with_words(row, text);
  if (row.default_value != nullptr) {
    text += fmt::format(" Default: `{}`.", row.default_value);
  } else if (row.default_words != nullptr) {
    text += fmt::format(" Default: {}.", row.default_words);
  } else {
    text += " Default: see [Which model](#which-model).";
  }
  std::string lines;
  std::istringstream sentences(replace_all(to_roff(text, page), ". ", ".\n"));
  for (std::string sentence; std::getline(sentences, sentence);) {
    lines += wrap(sentence, kColumns) + "\n";
  }
  return lines;
}

std::string readme_table() {
  std::string table =
      "\n| environment | config.json | flag of `serve` | default | |\n|---|---|---|---|---|\n";
  const auto cell = [](const char* name) {
    return name == nullptr ? std::string() : fmt::format("`{}` ", name);
  };
  for (const SettingRow& row : all_rows()) {
    const std::string default_cell = row.default_value != nullptr ? cell(row.default_value)
                                     : row.default_words != nullptr
                                         ? fmt::format("{} ", row.default_words)
                                         : "see below ";
    table += fmt::format("| {}| {}| {}| {}| {} |\n", cell(row.variable),
                         cell(row.is_in_config ? row.key : nullptr), cell(row.flag), default_cell,
                         with_words(row, row.text));
  }
  return table + "\n";
}

std::string manual_keys() {
  std::string text;
  for (const SettingRow& row : bootstrap::setting_rows()) {
    if (!row.is_in_config) continue;
    text += fmt::format(".TP\n.B {}\n", row.key);
    text += row.variable == nullptr ? manual_text(row, "")
                                    : fmt::format("As\n.BR {} .\n", row.variable);
  }
  return text;
}

std::string manual_variables(Scope scope) {
  std::string text;
  for (const SettingRow& row : all_rows()) {
    if (row.variable == nullptr || row.scope != scope) continue;
    text += fmt::format(".TP\n.B {}\n{}", row.variable, manual_text(row, ""));
    if (row.flag != nullptr) {
      text += fmt::format("Flag:\n.BR {} .\n", to_roff(row.flag, ""));
    }
    if (row.is_in_config) text += fmt::format("Key:\n.BR {} .\n", row.key);
  }
  return text;
}

std::string manual_flags() {
  std::string text;
  for (const SettingRow& row : rows_with_flag()) {
    text += fmt::format(".TP\n.BI {} \" {}\"\n{}", to_roff(row.flag, ""), row.flag_value,
                        manual_text(row, kConfigPage));
  }
  return text;
}

// What a shell completes behind the flag.
enum class Completed { nothing, words, files, directories };

Completed completed(const SettingRow& row) {
  if (!row.words.empty()) return Completed::words;
  if (row.meaning == Meaning::directory) return Completed::directories;
  return row.meaning == Meaning::word ? Completed::nothing : Completed::files;
}

std::string bash_flags() {
  std::vector<std::string_view> flags{"--help"};
  for (const SettingRow& row : rows_with_flag()) flags.emplace_back(row.flag);
  std::ranges::sort(flags);
  return "      " + wrap(fmt::format("flags=\"{}\"", fmt::join(flags, " ")), 100, "        ") +
         "\n";
}

std::string bash_values() {
  std::vector<std::string_view> files;
  std::vector<std::string_view> directories;
  std::vector<std::string_view> others;
  std::string words;
  for (const SettingRow& row : rows_with_flag()) {
    switch (completed(row)) {
      case Completed::words:
        words += fmt::format("    {}) words=\"{}\" ;;\n", row.flag, fmt::join(row.words, " "));
        break;
      case Completed::files:
        files.emplace_back(row.flag);
        break;
      case Completed::directories:
        directories.emplace_back(row.flag);
        break;
      case Completed::nothing:
        others.emplace_back(row.flag);
        break;
    }
  }
  return fmt::format("    {}) action=-f ;;\n    {}) action=-d ;;\n{}    {}) return ;;\n",
                     fmt::join(files, " | "), fmt::join(directories, " | "), words,
                     fmt::join(others, " | "));
}

std::string zsh_flags() {
  std::string text = "      local -a settings=(\n";
  for (const SettingRow& row : rows_with_flag()) {
    std::string help = replace_all(row.help, "'", "'\\''");
    help[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(help[0])));
    std::string action;
    if (completed(row) == Completed::words) action = fmt::format("({})", fmt::join(row.words, " "));
    if (completed(row) == Completed::files) action = "_files";
    if (completed(row) == Completed::directories) action = "_files -/";
    text += fmt::format("        '{}=[{}]:{}:{}'\n", row.flag, help, lower(row.flag_value), action);
  }
  return text + "      )\n";
}

std::string fish_flags() {
  std::string text;
  for (const SettingRow& row : rows_with_flag()) {
    std::string action = "-x";
    if (completed(row) == Completed::words) {
      action = fmt::format("-x -a '{}'", fmt::join(row.words, " "));
    }
    if (completed(row) == Completed::files) action = "-r -F";
    if (completed(row) == Completed::directories) action = "-x -a '(__fish_complete_directories)'";
    text += fmt::format(
        "complete -c runed -n '__fish_seen_subcommand_from serve' -l {} {} -d '{}'\n",
        std::string_view(row.flag).substr(2), action, replace_all(row.help, "'", "\\'"));
  }
  return text;
}

}  // namespace

std::vector<SettingPart> setting_parts(std::string_view path) {
  if (path == "README.md") return {{"table", readme_table()}};
  if (path == "man/runed-config.5") {
    return {{"keys", manual_keys()},
            {"variables of the process", manual_variables(Scope::process)},
            {"variables of a model", manual_variables(Scope::model)}};
  }
  if (path == "man/runed-serve.1") return {{"flags", manual_flags()}};
  if (path == "completions/runed.bash") return {{"flags", bash_flags()}, {"values", bash_values()}};
  if (path == "completions/_runed") return {{"flags", zsh_flags()}};
  return {{"flags", fish_flags()}};
}

}  // namespace runed::test
