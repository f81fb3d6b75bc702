#include "cmd/line/setting_flags.hpp"

#include <fmt/ranges.h>

#include <span>
#include <string_view>

#include "cmd/line/flag_set.hpp"

namespace runed::cmd {
namespace {

using bootstrap::SettingRow;

constexpr size_t kMostColumns = 70;  // Beside the column of the flags.

// `RUNED_CACHE_MB, 32` or `RUNED_CTX_SIZE; the model's`.
std::string describe_sources(const SettingRow& row) {
  std::string text = row.variable;
  if (row.default_value != nullptr) return text + ", " + row.default_value;
  if (row.default_words != nullptr) return text + "; " + row.default_words;
  return text;
}

// `auto, native or llama-server`.
std::string join_words(std::span<const std::string_view> words) {
  return fmt::format("{} or {}", fmt::join(words.first(words.size() - 1), ", "), words.back());
}

}  // namespace

std::string describe_flag(const SettingRow& row) {
  const std::string text = fmt::format("{} ({})", row.help, describe_sources(row));
  if (row.words.empty()) return text;
  const std::string words = join_words(row.words);
  const bool fits = text.size() + 2 + words.size() <= kMostColumns;
  return fmt::format("{}:{}{}", text, fits ? ' ' : '\n', words);
}

void add_setting_flags(FlagSet& set, bootstrap::SettingFlags& flags) {
  for (const SettingRow& row : bootstrap::setting_rows()) {
    if (row.flag == nullptr || std::string_view(row.key) == "socket") continue;
    add_setting_flag(set, flags, row.key, describe_flag(row));
  }
}

void add_setting_flag(FlagSet& set, bootstrap::SettingFlags& flags, const std::string& key,
                      const std::string& description) {
  const SettingRow& row = bootstrap::row_of(key);
  set.add_option(
         row.flag, [&flags, key](const std::string& text) { flags[key] = text; }, description)
      .type_name(row.flag_value);
}

}  // namespace runed::cmd
