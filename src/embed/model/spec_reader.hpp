#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/model_spec.hpp"

namespace runed::embed {

/// Reads the keys of a model's header for the row of its architecture. What it refuses no engine can
/// compute right: a key that is missing, or has a value that no model has.
/// Errors: model_unsupported naming the key and the value found, with fact::kConversionFault.
class SpecReader {
 public:
  /// Whether the file must say that EOS ends a text, because the vector is taken from there.
  enum class End { needed, optional };

  /// Borrows both.
  SpecReader(const Gguf& file, ModelSpec& spec) : file_(file), spec_(spec) {}

  /// Reads a size from 1 to `most`; `name` is that of the key behind the architecture's.
  Result<uint32_t> read_size(std::string_view name, uint32_t most) const;

  /// Reads what every architecture has: layers, widths, heads, the longest text.
  Status read_sizes() const;

  /// Reads a rotary position embedding. A base below `least_base` is the default of a converter that
  /// did not know the model, whose base is `usual_base`.
  Status read_rotary(double least_base, double usual_base) const;

  /// Layers that see all tokens among those that see only the ones nearby: one of a period, which a
  /// file says or which is the usual one.
  struct LocalLayers {
    enum class Global { first, last };

    uint32_t usual_period;
    Global global;
  };

  /// Reads how far local layers see, which layers are local, and the base of their rotary positions.
  /// Needs: the number of layers.
  Status read_window(LocalLayers layers) const;

  /// Reads whether a token sees those after it. Missing, it means to llama.cpp that it does not.
  Status read_mask() const;

  /// Reads the epsilon of the norms, a number between 0 and 1.
  Status read_norm_epsilon(std::string_view name) const;

  /// Reads which tokenizer the model has, and the size of its vocabulary.
  Status read_tokenizer() const;

  /// Reads whether BOS and EOS frame a text, and their ids.
  /// Needs: the vocabulary.
  Status read_frame(End end) const;

  /// The same of an encoder, where EOS must end a text. Of WordPiece recognise_model has read it, of
  /// any file: checks that it is of tokens that the vocabulary has.
  Status read_frame_of_encoder() const;

  /// Reads how many rows the table of segments has; 0 where it has none.
  Status read_token_types() const;

  /// Reads the layers between the pooled vector and the embedding. `activation` is theirs where a file
  /// need not say it.
  Status read_dense(std::optional<DenseLayer::Activation> activation = {}) const;

  /// Reads a text; none if the key is not there. `name` is that of the key behind the architecture's.
  Result<std::optional<std::string>> find_text(std::string_view name) const;

 private:
  Result<uint32_t> read_size_or(std::string_view name, uint32_t most, uint32_t fallback) const;
  Result<uint64_t> read_unsigned(const std::string& key) const;
  Result<double> read_float(const std::string& key) const;
  Result<bool> read_flag(const std::string& key, bool fallback) const;
  Result<std::string> read_text(const std::string& key) const;
  Result<TokenId> read_token(const std::string& key) const;
  Status read_heads() const;
  Status check_word_piece_frame() const;
  Status read_local_layers(LocalLayers layers) const;
  Result<DenseLayer::Activation> read_activation(const std::string& key) const;

  const Gguf& file_;
  ModelSpec& spec_;
};

/// What to do about a file of which a key is missing or false.
inline constexpr std::string_view kConvertAgain =
    "the file was converted before this was known, or wrongly: convert the model again, or install "
    "another file";

/// Returns the refusal of a value, with fact::kConversionFault; `hint` says what to do about it.
Error conversion_fault(std::string message, std::string_view key, std::string_view hint = {});

}  // namespace runed::embed
