#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "embed/model/model_facts.hpp"
#include "embed/model/rank_head.hpp"
#include "embed/model/token_id.hpp"

namespace runed::embed {

/// How a row is normalised.
enum class Norm { rms, layer };

/// Where a layer normalises.
enum class NormPlace {
  before,  // What attention and the feed-forward layer read.
  after,   // The residual stream itself, once their output was added.
  around,  // What they read, and what they give.
};

/// How the places of tokens in their text come into a model.
enum class Positions {
  rotary,   // Halves of a head turn against each other, as GPT-NeoX has them.
  learned,  // A row of a table is added to each token.
  none,     // Not at all.
};

/// Which tokens of its text a token sees.
enum class Mask {
  causal,  // Itself and those before it.
  none,    // All.
};

/// What a feed-forward layer does between its matrices.
enum class Activation {
  swiglu,      // silu(gate) * up.
  geglu,       // gelu(gate) * up.
  geglu_tanh,  // The same, with gelu as it is approximated by tanh.
  gelu,
};

/// Tells whether there is a gate beside the first matrix.
constexpr bool is_gated(Activation activation) { return activation != Activation::gelu; }

/// What comes of the pooled vector.
enum class Head {
  none,  // It is the embedding.
  rank,  // A score of two texts.
};

/// A layer between the pooled vector and the embedding: a matrix, a bias where the file has one, and
/// what is done to each number.
struct DenseLayer {
  enum class Activation { identity, tanh };

  uint32_t inputs = 0;
  uint32_t outputs = 0;
  Activation activation = Activation::identity;

  bool operator==(const DenseLayer&) const = default;
};

/// In a frame: a token of which only the engine knows the id, whose tokenizer it is.
inline constexpr TokenId kTokenOfEngine = std::numeric_limits<TokenId>::max();

/// The special tokens around every text. Truncation leaves them where they are: a vector may be that
/// of the first or of the last of them.
struct Frame {
  std::vector<TokenId> before;
  std::vector<TokenId> after;
  std::vector<TokenId> between{};   // Two texts, of a model that takes pairs.
  bool has_second_segment = false;  // The second text of a pair, and what is after it, is one.

  bool operator==(const Frame&) const = default;
};

/// Which tokenizer a model has, as its file names it.
struct TokenizerSpec {
  std::string model;  // GGUF tokenizer.ggml.model.
  std::string pre;    // GGUF tokenizer.ggml.pre, what splits a text into words.
};

/// What a model is: data alone, from its file, the manifest and the table of known models. Of an
/// architecture that has no row (architecture.hpp) only the first two groups say what the file does,
/// and what it does not say is 0.
struct ModelSpec {
  std::string name = "unnamed";  // GGUF general.name.
  std::string architecture;      // GGUF general.architecture.
  uint32_t layers = 0;
  uint32_t width = 0;       // Hidden size, and the dimension of a vector without dense layers.
  uint32_t vocabulary = 0;  // Tokens.
  uint32_t context = 0;     // Most tokens of one text.
  uint32_t heads = 0;       // Query heads.
  uint32_t kv_heads = 0;    // Divides heads.
  uint32_t head_width = 0;  // Of queries and keys; even.
  TokenizerSpec tokenizer;
  Frame frame;

  // What is known of it, and by whom. Nothing here is guessed: vectors of a prompt, a pooling or a cut
  // that the model was not trained with look like any others.
  Fact<Prompts> prompts;
  Fact<Pooling> pooling;
  Fact<uint32_t> min_dimensions;  // The fewest that a vector may be cut to; 0: none is known.
  Fact<uint32_t> max_tokens;  // The most of one text that it was made for, which may be fewer than
                              // it has positions for.

  uint32_t value_width = 0;  // Of the values of a head.
  uint32_t ff_width = 0;     // Of the feed-forward layer.
  Norm norm = Norm::rms;
  NormPlace norm_place = NormPlace::before;
  float norm_epsilon = 0;
  Positions positions = Positions::rotary;
  uint32_t rotary_width = 0;          // How much of a head turns.
  float rope_base = 0;                // Of the rotary position embedding.
  float local_rope_base = 0;          // The same in layers that are local.
  std::string rope_scaling = "none";  // How positions past those of the training are scaled.
  double rope_scaling_factor = 1;
  Mask mask = Mask::causal;
  uint32_t window = 0;  // Tokens that one sees to each side in a local layer; 0: there is none.
  std::vector<bool> local_layers;  // [layers], whether each is local; empty: none is.
  uint32_t position_buckets = 0;   // Rows of the table of what attention adds by distance; 0: nothing.
  float embedding_scale = 1;       // Of the row of a token.
  Activation activation = Activation::swiglu;
  Head head = Head::none;
  uint32_t token_types = 0;       // Rows of the table of segments; 0: it has none.
  std::vector<DenseLayer> dense;  // Behind the pooling, in their order.
  RankHead rank;                  // With Head::rank.

  /// Returns the floats of a whole vector. Of a reranker that is one, the score of a pair.
  uint32_t dimension() const {
    if (head == Head::rank) return 1;
    return dense.empty() ? width : dense.back().outputs;
  }

  /// Returns whose state what comes after the layers is made of.
  Pooling pooled_state() const { return head == Head::rank ? rank.pooling : pooling.value; }

  /// Tells whether a token of a layer sees only those within the window.
  bool is_local(uint32_t layer) const { return layer < local_layers.size() && local_layers[layer]; }

  /// Returns the most tokens of one text, its frame included.
  uint32_t longest_text() const;

  /// Returns the name of a key of this architecture: `bert.block_count` for `block_count`.
  std::string key(std::string_view part) const;
};

/// Takes each fact that is not known yet from the first of `places` that has it.
void take_facts(std::span<const ModelFacts> places, ModelSpec& spec);

}  // namespace runed::embed
