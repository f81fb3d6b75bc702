#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace runed {

/// What a text is, which decides how the model is prompted.
enum class InputType { unspecified, document, query };

/// What to do with a text of more tokens than the model takes.
enum class Truncate { error, right, left };

/// What a model was trained to see before a text.
struct Prompt {
  std::string prefix;        // Empty: nothing. `{task}` in it stands for the task of a query.
  std::string default_task;  // Of queries that come without one.

  bool operator==(const Prompt&) const = default;
};

/// How the texts of one request are to be embedded: the same for the wire and for an engine.
struct EmbedOptions {
  InputType input_type = InputType::unspecified;
  std::string instruction;  // The task of a query; empty: the default one of the model's prompt.
  uint32_t dimensions = 0;  // Floats wanted; 0: the model's own number.
  Truncate truncate = Truncate::error;
  std::string
      prompt_name{};  // A prompt of the model's by its name; goes with neither of the first two.
};

/// In which numbers a score is told.
enum class ScoreScale {
  unit,  // From 0 to 1, which never changes the order.
  raw,   // As the model's makers have it.
};

/// A document of a request for scores, among those that it was compared with.
struct RankedDocument {
  uint32_t index = 0;  // In the request.
  float score = 0;
  uint32_t token_count = 0;  // Of the pair, after truncation.
  uint32_t tokens_dropped = 0;

  bool operator==(const RankedDocument&) const = default;
};

/// The result for one text.
struct Embedding {
  std::vector<float> vector;  // Of unit length; of a pair of texts, its raw score.
  uint32_t token_count = 0;   // After truncation, EOS included.
  uint32_t tokens_dropped = 0;
  uint32_t cluster_id = 0;  // When a route was asked for.
  float norm = 0;  // The length of the model's own vector, before it was made unit; 0: not known.
};

}  // namespace runed
