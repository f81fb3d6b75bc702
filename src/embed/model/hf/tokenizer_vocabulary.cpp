#include "embed/model/hf/tokenizer_vocabulary.hpp"

#include <array>
#include <string_view>

#include "base/text.hpp"

namespace runed::embed::hf {
namespace {

struct Flag {
  std::string_view name;  // In both kinds of file.
  bool AddedToken::*member;
};

constexpr std::array kFlags{
    Flag{"lstrip", &AddedToken::lstrip},
    Flag{"rstrip", &AddedToken::rstrip},
    Flag{"single_word", &AddedToken::single_word},
    Flag{"normalized", &AddedToken::normalized},
};

Status read_added_token(const Fields& tokenizer, const Json& json,
                        TokenizerVocabulary& vocabulary) {
  TRY_ASSIGN(const Fields fields, Fields::of(tokenizer.file(), "added_tokens", json));
  AddedToken token;
  TRY_ASSIGN(token.content, fields.get_text("content"));
  TRY_ASSIGN(const auto special, fields.find_flag("special"));
  token.special = special.value_or(false);
  for (const Flag& flag : kFlags) {
    TRY_ASSIGN(const auto is_set, fields.find_flag(flag.name));
    token.*flag.member = is_set.value_or(false);
  }
  const Json* id = fields.find("id");
  const uint64_t at = id != nullptr && id->is_number_unsigned() ? id->get<uint64_t>() : 0;
  token.no_piece = at >= vocabulary.tokens.size() || vocabulary.tokens[at].empty();
  TRY(put_token(tokenizer.file(), token.content, id == nullptr ? Json() : *id, vocabulary));
  token.id = static_cast<uint32_t>(at);
  vocabulary.added.push_back(std::move(token));
  return {};
}

void write_ids(const Flag& flag, const TokenizerVocabulary& vocabulary, GgufMetadata& metadata) {
  std::vector<int32_t> ids;
  for (const AddedToken& token : vocabulary.added) {
    if (token.*flag.member) ids.push_back(static_cast<int32_t>(token.id));
  }
  if (ids.empty()) return;
  metadata.add(fmt::format("runed.tokenizer.added_tokens.{}", flag.name),
               std::span<const int32_t>(ids));
}

}  // namespace

Status put_token(const std::string& file, const std::string& token, const Json& id,
                 TokenizerVocabulary& vocabulary) {
  if (!id.is_number_unsigned() || id.get<uint64_t>() >= vocabulary.size) {
    return damaged(fmt::format("{}: the token '{}' has the id {}, and the model {} tokens", file,
                               printable(token), printable(to_line(id)), vocabulary.size));
  }
  std::vector<std::string>& tokens = vocabulary.tokens;
  const auto at = static_cast<uint32_t>(id.get<uint64_t>());
  if (tokens.size() <= at) tokens.resize(at + 1);
  if (!tokens[at].empty() && tokens[at] != token) {
    return damaged(fmt::format("{}: the tokens '{}' and '{}' have both the id {}", file,
                               printable(tokens[at]), printable(token), at));
  }
  tokens[at] = token;
  return {};
}

Status read_added_tokens(const Fields& tokenizer, TokenizerVocabulary& vocabulary) {
  if (!tokenizer.has("added_tokens")) return {};
  TRY_ASSIGN(const Json* tokens, tokenizer.get_array("added_tokens"));
  for (const Json& token : *tokens) TRY(read_added_token(tokenizer, token, vocabulary));
  return {};
}

void write_added_token_flags(const TokenizerVocabulary& vocabulary, GgufMetadata& metadata) {
  for (const Flag& flag : kFlags) write_ids(flag, vocabulary, metadata);
  write_ids({"no_pieces", &AddedToken::no_piece}, vocabulary, metadata);
}

}  // namespace runed::embed::hf
