#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "embed/model/token_id.hpp"
#include "embed/tokenizer/number_table.hpp"

namespace runed::embed {

/// Texts of tokens, byte by byte, of which a text is searched for all at once.
class TokenTrie {
 public:
  struct Match {
    size_t offset = 0;
    size_t length = 0;
    TokenId id = 0;
  };

  /// Adds a token; an equal one that is there keeps its id.
  /// Needs: a text that is not empty.
  void add(std::string_view text, TokenId id);

  bool is_empty() const { return nodes_.size() == 1; }

  /// Finds the first token from `offset` on; of several there, the longest. Takes as long as the text
  /// up to there times the longest token at worst.
  std::optional<Match> find(std::string_view text, size_t offset) const;

 private:
  static constexpr uint32_t kRoot = 0;
  static constexpr TokenId kNoToken = NumberTable::kNone;

  struct Edge {
    unsigned char byte;
    uint32_t node;
  };

  struct Node {
    TokenId token = kNoToken;  // That ends here.
    std::vector<Edge> edges;   // In the order of their bytes.
  };

  // kRoot, where nothing leads to: there is no way on.
  uint32_t next(uint32_t node, unsigned char byte) const;

  std::vector<Node> nodes_{Node{}};
  std::array<uint32_t, 256> first_{};  // The ways from the root, most of which there are not.
};

}  // namespace runed::embed
