#pragma once

#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>

#include "base/embedding.hpp"
#include "base/result.hpp"

namespace runed::cmd {

/// Whose results they are.
struct EmbedModel {
  std::string name;
  std::string identity;
  std::string engine{};  // Empty for ids, which no engine made.
  std::string prompt{};  // Put before every text; empty: nothing.
  std::string prompt_source{};
};

/// Formats floats as a JSON array: each in the fewest digits that give the same f32 again.
std::string format_vector(std::span<const float> vector);

/// Prints results as they come: one JSON array a line, or with `document` the one document
/// {model, model_identity, engine, dim, prompt, prompt_source, embeddings: [{index, tokens,
/// vector}]}; of token ids the same without engine and dim, and with ids in place of the vector.
/// Nothing is printed before `finish`, unless it is more than a bound: a short result is all or
/// nothing.
class EmbedOutput {
 public:
  enum class Format { lines, document };

  /// Owns: nothing of `out`, which outlives this.
  EmbedOutput(std::ostream& out, Format format, size_t held_bytes = size_t{1} << 20)
      : out_(out), format_(format), held_bytes_(held_bytes) {}

  void set_model(EmbedModel model) { model_ = std::move(model); }

  /// Errors: io if it cannot be printed.
  Status add(const Embedding& embedding);
  Status add_ids(std::span<const uint32_t> ids, uint32_t tokens_dropped = 0);

  /// Prints what is there, if printing has begun.
  Status flush();

  /// Prints the rest.
  Status finish();

  /// Prints the rest of a result that ends with an error: what was printed stays, a document is
  /// closed with a member `error`. Nothing if printing has not begun.
  void fail(const Error& error);

  uint64_t count() const { return count_; }          // Results added.
  uint64_t cut_count() const { return cut_count_; }  // Of texts that were cut.

 private:
  void begin_entry(const Embedding* embedding);
  Status end_entry();
  Status print();

  std::ostream& out_;
  const Format format_;
  const size_t held_bytes_;
  EmbedModel model_;
  std::string text_;  // Not yet printed.
  uint64_t count_ = 0;
  uint64_t cut_count_ = 0;
  bool has_begun_ = false;
};

}  // namespace runed::cmd
