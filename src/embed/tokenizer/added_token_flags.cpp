#include "embed/tokenizer/added_token_flags.hpp"

#include <array>
#include <string>
#include <string_view>

namespace runed::embed {
namespace {

struct Key {
  std::string_view name;
  std::vector<TokenId> AddedTokenFlags::*ids;
};

constexpr std::array kKeys{
    Key{"runed.tokenizer.added_tokens.lstrip", &AddedTokenFlags::lstrip},
    Key{"runed.tokenizer.added_tokens.rstrip", &AddedTokenFlags::rstrip},
    Key{"runed.tokenizer.added_tokens.single_word", &AddedTokenFlags::single_word},
    Key{"runed.tokenizer.added_tokens.normalized", &AddedTokenFlags::normalized},
    Key{"runed.tokenizer.added_tokens.no_pieces", &AddedTokenFlags::no_pieces},
};

}  // namespace

Result<AddedTokenFlags> read_added_token_flags(const Gguf& file, size_t tokens) {
  AddedTokenFlags flags;
  for (const Key& key : kKeys) {
    if (!file.has(key.name)) continue;
    TRY_ASSIGN(const std::vector<int32_t> ids, file.int_array(key.name));
    for (const int32_t id : ids) {
      if (id < 0 || static_cast<size_t>(id) >= tokens) {
        return make_error(ErrorCode::model_corrupt, "key '{}' has {}, and there are {} tokens",
                          key.name, id, tokens);
      }
      (flags.*key.ids).push_back(static_cast<TokenId>(id));
    }
  }
  return flags;
}

}  // namespace runed::embed
