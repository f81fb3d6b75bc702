// Source: llama.cpp, llama-vocab.cpp, for the names and the expressions; tokenizer.json of the models for
// form C, ignore_merges and added tokens, which GGUF has no keys for.
#include "embed/model/byte_pair_rules.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/text.hpp"

namespace runed::embed {
namespace {

constexpr std::string_view kPre = "tokenizer.ggml.pre";
constexpr std::string_view kNfc = "runed.tokenizer.nfc";
constexpr std::string_view kIgnoreMerges = "runed.tokenizer.ignore_merges";
constexpr std::string_view kAddPrefixSpace = "runed.tokenizer.add_prefix_space";

// The first of a rule is what a file is named by that is no other model's.
constexpr std::array kRows{
    BytePairRow{.pre = "gpt-2", .rules = {}},
    BytePairRow{.pre = "roberta-bpe", .rules = {}, .lstrip = "<mask>"},
    BytePairRow{
        .pre = "modern-bert", .rules = {.nfc = true}, .lstrip = "[MASK]", .finds_normalized = true},
    BytePairRow{.pre = "llama-bpe", .rules = {.split = SplitRule::llama3, .ignore_merges = true}},
    BytePairRow{.pre = "jina-v5-nano",
                .rules = {.split = SplitRule::llama3, .ignore_merges = true}},
    BytePairRow{.pre = "qwen2", .rules = {.split = SplitRule::qwen2, .nfc = true}},
};

Status read_flag(const Gguf& file, std::string_view key, bool& flag) {
  if (!file.has(key)) return {};
  TRY_ASSIGN(flag, file.bool_value(key));
  return {};
}

}  // namespace

Status check_byte_pair_rules(std::string_view pre) {
  if (std::ranges::find(kRows, pre, &BytePairRow::pre) != kRows.end()) return {};
  std::vector<std::string_view> known;
  for (const BytePairRow& each : kRows) known.push_back(each.pre);
  return make_error(ErrorCode::model_unsupported, "key '{}' is '{}' where '{}' was expected", kPre,
                    printable(pre), fmt::join(known, "' or '"));
}

Result<FileBytePairRules> read_byte_pair_rules(const Gguf& file) {
  TRY_ASSIGN(const std::string_view pre, file.string_value(kPre));
  TRY(check_byte_pair_rules(pre));
  const auto* const row = std::ranges::find(kRows, pre, &BytePairRow::pre);
  FileBytePairRules read{.rules = row->rules, .usual = file.has(kNfc) ? nullptr : row};
  TRY(read_flag(file, kNfc, read.rules.nfc));
  TRY(read_flag(file, kIgnoreMerges, read.rules.ignore_merges));
  TRY(read_flag(file, kAddPrefixSpace, read.rules.add_prefix_space));
  return read;
}

void write_byte_pair_rules(const BytePairRules& rules, GgufMetadata& metadata) {
  const auto* row = std::ranges::find(kRows, rules, &BytePairRow::rules);
  if (row == kRows.end()) {
    row = std::ranges::find_if(
        kRows, [&](const BytePairRow& each) { return each.rules.split == rules.split; });
  }
  metadata.add(kPre, row->pre);
  metadata.add(kNfc, rules.nfc);
  metadata.add(kIgnoreMerges, rules.ignore_merges);
  metadata.add(kAddPrefixSpace, rules.add_prefix_space);
}

}  // namespace runed::embed
