#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/embedding.hpp"

namespace runed::embed {

/// How the vector of a text is made of those of its tokens.
/// Source: llama.cpp, enum llama_pooling_type, for the numbers; its flag --pooling for the names.
enum class Pooling : uint8_t {
  none = 0,
  mean = 1,
  cls = 2,   // That of the first token.
  last = 3,  // That of the last token.
  rank = 4,  // A score in place of a vector.
};

/// Returns `none`, `mean`, `cls`, `last` or `rank`.
std::string_view name_of(Pooling pooling);
std::optional<Pooling> find_pooling(std::string_view name);

/// Who says something of a model; the order is that of strength, but for `unknown`.
enum class FactSource { unknown, model_file, manifest, known_model };

/// Returns the name that programs see: `model_file`.
std::string_view name_of(FactSource source);

/// A prompt that is asked for by its name, of any use: `clustering`.
struct NamedPrompt {
  std::string name;
  std::string text;

  bool operator==(const NamedPrompt&) const = default;
};

struct Prompts {
  Prompt query;
  Prompt document;
  std::vector<NamedPrompt> named{};  // Those with a name of their own; may have the two above.
  std::string default_name{};        // Of the one that a text of no type gets; empty: nothing.

  bool operator==(const Prompts&) const = default;
};

/// What one place says of a model. What it does not say is empty; a prompt that is there and has an
/// empty prefix says that the model takes none.
struct ModelFacts {
  FactSource source = FactSource::unknown;
  std::optional<Prompts> prompts;
  std::optional<Pooling> pooling;
  std::optional<uint32_t> min_dimensions;  // The fewest that a vector may be cut to.
  std::optional<uint32_t> max_tokens{};    // The most of one text, its frame included.
};

/// One thing that is known of a model, or not.
template <typename T>
struct Fact {
  T value{};
  FactSource source = FactSource::unknown;

  bool is_known() const { return source != FactSource::unknown; }
};

/// Finds a prompt among those that have a name of their own; null if there is none.
const NamedPrompt* find_named(const Prompts& prompts, std::string_view name);

/// Returns all that can be asked for by name, with what is put before a text then: `query`, of the
/// default task, `document`, and those with a name of their own.
std::vector<NamedPrompt> list_prompts(const Prompts& prompts);

/// Tells whether a prompt has a place for the task of a query.
bool has_task(const Prompt& prompt);

/// Returns what is put before a text; `task` empty: the default one.
std::string fill_prompt(const Prompt& prompt, std::string_view task);

}  // namespace runed::embed
