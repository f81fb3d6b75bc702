// The prompts of config_sentence_transformers.json, as `runed convert` writes them. Which is that of a
// query, and which that of a document, is decided as sentence-transformers does.
// Source: sentence-transformers, SentenceTransformer.encode_query and encode_document.
#include "embed/model/file_prompts.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "embed/model/spec_reader.hpp"

namespace runed::embed {
namespace {

constexpr std::string_view kNames = "runed.prompts.names";
constexpr std::string_view kTexts = "runed.prompts.texts";
constexpr std::string_view kDefault = "runed.prompts.default";

constexpr std::string_view kTask = "{task}";
constexpr size_t kMostPrompts = 256;
constexpr size_t kMostNameBytes = 256;
constexpr size_t kMostTextBytes = 16 << 10;  // It is tokenised before each text anew.

Error fault(std::string_view key, std::string message) {
  return conversion_fault(std::move(message), key, kConvertAgain);
}

// One that is missing or of another type is no better than a wrong one.
Result<std::vector<std::string_view>> read_texts(const Gguf& file, std::string_view key) {
  auto texts = file.string_array(key);
  if (!texts && texts.error().code == ErrorCode::model_unsupported) {
    return fault(key, texts.error().message);
  }
  return texts;
}

Status check_text(std::string_view key, std::string_view text, size_t most) {
  if (text.size() > most) {
    return fault(key, fmt::format("a value of key '{}' has {} bytes, {} are allowed", key,
                                  text.size(), most));
  }
  if (find_invalid_utf8(text).has_value()) {
    return fault(key, fmt::format("the value '{}' of key '{}' is not UTF-8", printable(text), key));
  }
  return {};
}

Status check_names(const std::vector<NamedPrompt>& prompts) {
  for (const NamedPrompt& prompt : prompts) {
    TRY(check_text(kNames, prompt.name, kMostNameBytes));
    TRY(check_text(kTexts, prompt.text, kMostTextBytes));
    const auto same = std::ranges::count(prompts, prompt.name, &NamedPrompt::name);
    if (!prompt.name.empty() && same == 1) continue;
    return fault(kNames, fmt::format("key '{}' has the name '{}' {}", kNames,
                                     printable(prompt.name), same > 1 ? "twice" : "among others"));
  }
  return {};
}

Result<std::vector<NamedPrompt>> read_named(const Gguf& file) {
  TRY_ASSIGN(const auto names, read_texts(file, kNames));
  TRY_ASSIGN(const auto texts, read_texts(file, kTexts));
  if (names.size() != texts.size() || names.size() > kMostPrompts) {
    return fault(kNames, fmt::format("key '{}' has {} values and '{}' has {}, where as many were "
                                     "expected, at most {}",
                                     kNames, names.size(), kTexts, texts.size(), kMostPrompts));
  }
  std::vector<NamedPrompt> prompts;
  for (size_t i = 0; i < names.size(); ++i) {
    prompts.push_back({.name = std::string(names[i]), .text = std::string(texts[i])});
  }
  TRY(check_names(prompts));
  return prompts;
}

// The first that there is; where there is none, the text that every other gets.
Prompt first_of(const Prompts& prompts, std::initializer_list<std::string_view> names) {
  const NamedPrompt* found = nullptr;
  for (const std::string_view name : names) {
    if (found == nullptr) found = find_named(prompts, name);
  }
  if (found == nullptr) found = find_named(prompts, prompts.default_name);
  if (found == nullptr) return {};
  // Exact bytes to who gives no task: there is no default one that a file could name.
  const bool has_place = found->text.find(kTask) != std::string::npos;
  return {.prefix = found->text, .default_task = std::string(has_place ? kTask : "")};
}

}  // namespace

Result<std::optional<Prompts>> read_prompts(const Gguf& file) {
  if (!file.has(kNames) && !file.has(kTexts) && !file.has(kDefault)) return std::nullopt;
  Prompts prompts;
  TRY_ASSIGN(prompts.named, read_named(file));
  if (file.has(kDefault)) {
    TRY_ASSIGN(const std::string_view name, file.string_value(kDefault));
    prompts.default_name = name;
    if (find_named(prompts, name) == nullptr) {
      return fault(kDefault, fmt::format("key '{}' is '{}', which '{}' does not have", kDefault,
                                         printable(name), kNames));
    }
  }
  // sentence-transformers writes an empty `query` and `document` where nobody has said anything.
  const auto is_empty = [](const NamedPrompt& prompt) { return prompt.text.empty(); };
  if (std::ranges::all_of(prompts.named, is_empty)) return std::nullopt;
  prompts.query = first_of(prompts, {"query"});
  prompts.document = first_of(prompts, {"document", "passage", "corpus"});
  return prompts;
}

}  // namespace runed::embed
