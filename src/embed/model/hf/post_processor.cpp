// Source: tokenizers, processors/{template,bert,roberta,sequence}.rs.
#include "embed/model/hf/post_processor.hpp"

#include <string>

#include "base/text.hpp"
#include "embed/model/hf/tokenizer_components.hpp"

namespace runed::embed::hf {
namespace {

Error refuse(std::string_view what) {
  return refuse_component("post-processor", what);
}

// Tells whether a token of the frame has the id that the post-processor gives it.
bool has_id(const TokenizerVocabulary& vocabulary, const Json& token, const Json& id) {
  return token.is_string() && id.is_number_unsigned() &&
         id.get<uint64_t>() < vocabulary.tokens.size() &&
         vocabulary.tokens[id.get<uint64_t>()] == token.get_ref<const std::string&>();
}

class TemplateReader {
 public:
  TemplateReader(const Fields& processor, const TokenizerVocabulary& vocabulary)
      : processor_(processor), vocabulary_(vocabulary) {}

  Result<TextFrame> read() const {
    TRY_ASSIGN(const Json* pieces, processor_.get_array("single"));
    TextFrame frame;
    bool has_text = false;
    for (const Json& piece : *pieces) {
      TRY_ASSIGN(const Fields fields,
                 Fields::of(processor_.file(), "post_processor.single", piece));
      if (fields.has("SpecialToken")) {
        TRY(read_token(fields, has_text ? frame.after : frame.before));
      } else {
        TRY(read_text(fields, has_text));
        has_text = true;
      }
    }
    if (!has_text) return refuse("TemplateProcessing without a text");
    return frame;
  }

 private:
  static Error refuse_piece(const Json& piece) {
    return refuse("TemplateProcessing with " + to_line(piece));
  }

  // Of segment 0, since a text alone has no other.
  static Result<Fields> held_by(const Fields& piece, std::string_view kind) {
    if (!piece.has(kind)) return refuse_piece(piece.json());
    TRY_ASSIGN(Fields held, piece.get_object(kind));
    TRY_ASSIGN(const auto segment, held.find_number("type_id"));
    if (segment.value_or(0) != 0) return refuse_piece(piece.json());
    return held;
  }

  static Status read_text(const Fields& piece, bool has_text) {
    TRY_ASSIGN(const Fields held, held_by(piece, "Sequence"));
    TRY_ASSIGN(const std::string id, held.get_text("id"));
    if (id != "A" || has_text) return refuse_piece(piece.json());
    return {};
  }

  // A special token may stand for several tokens, or for one of another name.
  Status read_token(const Fields& piece, std::vector<uint32_t>& side) const {
    TRY_ASSIGN(const Fields held, held_by(piece, "SpecialToken"));
    TRY_ASSIGN(const std::string name, held.get_text("id"));
    TRY_ASSIGN(const Fields all, processor_.get_object("special_tokens"));
    TRY_ASSIGN(const Fields special, all.get_object(name));
    TRY_ASSIGN(const Json* tokens, special.get_array("tokens"));
    TRY_ASSIGN(const Json* ids, special.get_array("ids"));
    if (tokens->size() != ids->size()) return refuse_piece(special.json());
    for (size_t i = 0; i < ids->size(); ++i) {
      if (!has_id(vocabulary_, (*tokens)[i], (*ids)[i])) return refuse_piece(special.json());
      side.push_back((*ids)[i].get<uint32_t>());
    }
    return {};
  }

  const Fields& processor_;
  const TokenizerVocabulary& vocabulary_;
};

// `["[SEP]", 102]`.
Result<uint32_t> id_of_pair(const Fields& processor, std::string_view key,
                            const TokenizerVocabulary& vocabulary) {
  TRY_ASSIGN(const Json* pair, processor.get_array(key));
  if (pair->size() == 2 && has_id(vocabulary, pair->front(), pair->back())) {
    return pair->back().get<uint32_t>();
  }
  return damaged(fmt::format("{} is not a token and its id", processor.place_of(key)));
}

Result<TextFrame> read_processor(const Fields& processor, const TokenizerVocabulary& vocabulary) {
  TRY_ASSIGN(const std::string type, type_of(processor));
  if (type == "TemplateProcessing") return TemplateReader(processor, vocabulary).read();
  if (type != "BertProcessing" && type != "RobertaProcessing") return refuse(type);
  TRY_ASSIGN(const uint32_t first, id_of_pair(processor, "cls", vocabulary));
  TRY_ASSIGN(const uint32_t last, id_of_pair(processor, "sep", vocabulary));
  return TextFrame{.before = {first}, .after = {last}};
}

}  // namespace

Result<TextFrame> read_post_processor(const Fields& tokenizer,
                                      const TokenizerVocabulary& vocabulary) {
  TRY_ASSIGN(const auto components, components_of(tokenizer, "post_processor", "processors"));
  std::optional<TextFrame> frame;
  for (const Fields& component : components) {
    TRY_ASSIGN(const std::string type, type_of(component));
    if (type == "ByteLevel") continue;  // It sets offsets, which nobody here asks for.
    if (frame) return refuse("Sequence with a second " + type);
    TRY_ASSIGN(frame, read_processor(component, vocabulary));
  }
  return frame.value_or(TextFrame{});
}

Status write_frame(const TextFrame& frame, GgufMetadata& metadata) {
  if (frame.before.size() > 1 || frame.after.size() > 1) {
    return refuse(fmt::format("with {} tokens before a text and {} behind it", frame.before.size(),
                              frame.after.size()));
  }
  if (!frame.before.empty()) metadata.add("tokenizer.ggml.bos_token_id", frame.before.front());
  if (!frame.after.empty()) metadata.add("tokenizer.ggml.eos_token_id", frame.after.front());
  metadata.add("tokenizer.ggml.add_bos_token", !frame.before.empty());
  metadata.add("tokenizer.ggml.add_eos_token", !frame.after.empty());
  return {};
}

}  // namespace runed::embed::hf
