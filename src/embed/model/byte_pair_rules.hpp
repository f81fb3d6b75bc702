#pragma once

#include <span>
#include <string_view>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/gguf_metadata.hpp"

namespace runed::embed {

/// Which regular expression splits a text into words (pre_tokenizer.cpp has them).
enum class SplitRule {
  gpt2,
  llama3,  // Up to three digits together, contractions in any case.
  qwen2,   // As llama3, with each digit alone.
};

/// What byte-level byte-pair encoding does to a text before it merges.
struct BytePairRules {
  SplitRule split = SplitRule::gpt2;
  bool nfc = false;               // The text is brought to form C.
  bool ignore_merges = false;     // A word that is a token is that, whatever the merges give.
  bool add_prefix_space = false;  // A text without a space in front gets one.

  bool operator==(const BytePairRules&) const = default;
};

/// What `tokenizer.ggml.pre` says.
struct BytePairRow {
  std::string_view pre;
  BytePairRules rules;
  std::string_view lstrip{};      // The added token that takes white space before it along.
  bool finds_normalized = false;  // Tokens of the user are found in the text in form C.
};

/// The rules of a file.
struct FileBytePairRules {
  BytePairRules rules;
  const BytePairRow* usual = nullptr;  // What goes for added tokens; null: the file says it itself.
};

/// Checks that there are rules of a name.
/// Errors: model_unsupported naming the key, the value found and those that are known.
Status check_byte_pair_rules(std::string_view pre);

/// Reads the rules of a file: those of its `pre`, or what our own keys say, which files have that were
/// converted from a tokenizer.json.
/// Errors: those of check_byte_pair_rules.
Result<FileBytePairRules> read_byte_pair_rules(const Gguf& file);

/// Writes rules as keys: the `pre` that says the most of them, and each by a key of our own.
void write_byte_pair_rules(const BytePairRules& rules, GgufMetadata& metadata);

}  // namespace runed::embed
