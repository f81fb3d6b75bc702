// Any bytes as tokenizer.json, and as vocab.txt: what is accepted is a tokenizer of as many tokens as
// the table of embeddings has rows, in keys that a GGUF file can have. Those may still say what is refused,
// such as a charsmap or merges of no tokens; if not, a tokenizer gives ids of its vocabulary for any text.

#include <span>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/hf/hf_tokenizer.hpp"
#include "embed/model/spec_reader.hpp"
#include "embed/tokenizer/tokenizer_table.hpp"

using runed::embed::Gguf;
using runed::embed::GgufMetadata;
using runed::embed::ModelSpec;
using runed::embed::SpecReader;
using runed::embed::SpelledTokens;
using runed::embed::TokenId;
namespace hf = runed::embed::hf;

namespace {

constexpr uint32_t kVocabulary = 320;  // All bytes, and some.

// What is accepted may lack what a tokenizer needs, but no text is too much for one that is made.
void try_tokenizer(const Gguf& gguf) {
  ModelSpec spec;
  spec.architecture = "bert";
  if (!SpecReader(gguf, spec).read_tokenizer().has_value()) return;
  const auto tokenizer = make_tokenizer(gguf, spec);
  if (!tokenizer.has_value()) return;
  for (const auto spelled : {SpelledTokens::parsed, SpelledTokens::plain}) {
    std::vector<TokenId> ids;
    const std::string_view text = "a\u0301 \uff21\u3000 the  \u2581 \U0001F600\r\n x<s>  <m> 12345";
    CHECK((*tokenizer)->append(text, spelled, ids).has_value());
    for (const TokenId id : ids) CHECK(id < kVocabulary);
  }
}

void read_as(std::string_view name, std::span<const std::byte> bytes) {
  const auto open =
      [&](const std::string& file) -> runed::Result<std::optional<std::span<const std::byte>>> {
    if (file == name) return bytes;
    if (file == hf::kConfig || file == hf::kWeights) return std::as_bytes(std::span("{}"));
    return std::nullopt;
  };
  const auto files = hf::DirectoryFiles::open(
      {.open = open, .exists = [](const std::string& /*file*/) { return false; }});
  if (!files.has_value()) return;
  GgufMetadata metadata;
  const auto written = hf::write_tokenizer(*files, {.vocabulary = kVocabulary}, metadata);
  if (!written.has_value()) {
    CHECK(!written.error().message.empty());
    return;
  }
  const std::string file = metadata.file();
  const auto gguf = Gguf::parse(std::as_bytes(std::span(file)));
  CHECK(gguf.has_value());
  CHECK(gguf->array_size("tokenizer.ggml.tokens").value_or(0) == kVocabulary);
  for (const char* key : {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id",
                          "tokenizer.ggml.unknown_token_id"}) {
    if (gguf->has(key)) CHECK(gguf->unsigned_value(key).value_or(kVocabulary) < kVocabulary);
  }
  try_tokenizer(*gguf);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span bytes = std::as_bytes(std::span(data, size));
  read_as(hf::kTokenizer, bytes);
  read_as(hf::kVocabulary, bytes);
  return 0;
}
