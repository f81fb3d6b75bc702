// Any bytes as a text, on a small vocabulary. What is not UTF-8 is refused; of the rest, the ids
// spell the text again, in form C between special tokens.

#include <memory>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "base/text.hpp"
#include "embed/model/model_recognition.hpp"
#include "embed/tokenizer/byte_pair_tokenizer.hpp"
#include "embed/tokenizer/nfc.hpp"
#include "support/gguf_builder.hpp"

using runed::embed::BytePairTokenizer;
using runed::embed::Gguf;
using runed::embed::recognise_model;
using runed::embed::to_nfc;
using runed::embed::TokenId;

namespace {

constexpr TokenId kTool = 260;
constexpr TokenId kEos = 261;

struct Loaded {
  Loaded() {
    const auto gguf = Gguf::parse(file);
    CHECK(gguf.has_value());
    const auto spec = recognise_model(*gguf, {}, {});
    CHECK(spec.has_value());
    auto created = BytePairTokenizer::create(*gguf, spec->frame);
    CHECK(created.has_value());
    tokenizer = std::move(created).value();
  }

  std::vector<std::byte> file = runed::test::small_qwen3().build();
  std::unique_ptr<BytePairTokenizer> tokenizer;
};

std::string spell(TokenId id) {
  switch (id) {
    case 256:
      return "ab";
    case 257:
      return "abc";
    case 258:
      return "bc";
    case 259:
      return " a";
    case kTool:
      return "<tool>";
    case kEos:
      return "<|endoftext|>";
    default:
      CHECK(id < 256);
      return std::string(1, static_cast<char>(id));
  }
}

void check_form_c(std::string_view text) {
  std::string storage;
  CHECK(to_nfc(text, storage) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Loaded loaded;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto ids = loaded.tokenizer->tokenize(text);
  CHECK(ids.has_value() == !runed::find_invalid_utf8(text).has_value());
  if (!ids.has_value()) return 0;
  CHECK(ids->back() == kEos);
  std::string spelled;
  std::string segment;
  for (const TokenId id : std::span(*ids).first(ids->size() - 1)) {
    spelled += spell(id);
    segment += spell(id);
    if (id != kTool && id != kEos) continue;
    segment.resize(segment.size() - spell(id).size());
    check_form_c(segment);
    segment.clear();
  }
  check_form_c(segment);
  std::string storage;
  if (to_nfc(text, storage) == text) CHECK(spelled == text);
  return 0;
}
