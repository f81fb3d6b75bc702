#include "embed/model/model_header.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"

namespace runed::embed {
namespace {

// Far above any model and far below what makes a product of two of them overflow 64 bits.
constexpr uint32_t kMostLayers = 1024;
constexpr uint32_t kMostWidth = 65536;
constexpr uint32_t kMostHeads = 1024;
constexpr uint32_t kMostHeadWidth = 1024;
constexpr uint32_t kMostContext = 1 << 20;
constexpr uint32_t kMostTokens = 1 << 24;

// Of any inner width to the width of the model; 3 is usual. A small file must not ask for more.
constexpr uint32_t kMostWidening = 16;

constexpr double kLeastRopeBase = 1e5;
constexpr double kMostRopeBase = 1e12;
constexpr auto kPoolingLast = static_cast<uint64_t>(Pooling::last);

template <typename Value, typename Expected>
Error refused(std::string_view key, const Value& found, const Expected& expected) {
  return make_error(ErrorCode::model_unsupported, "key '{}' is {} where {} was expected", key,
                    found, expected);
}

// The file says, or leaves out, what was true of no model: any engine would compute wrong vectors.
Error by_conversion(Error error, std::string_view key, std::string_view hint) {
  return std::move(error)
      .with_hint(std::string(hint))
      .with_detail(kConversionFault, std::string(key));
}

Error missing_by_conversion(std::string_view key, std::string_view hint) {
  return by_conversion(make_error(ErrorCode::model_unsupported, "key '{}' is missing", key), key,
                       hint);
}

Status expect_string(const Gguf& file, std::string_view key, std::string_view expected) {
  TRY_ASSIGN(const std::string_view found, file.string_value(key));
  if (found == expected) return {};
  return refused(key, fmt::format("'{}'", printable(found)), fmt::format("'{}'", expected));
}

Result<uint32_t> read_size(const Gguf& file, std::string_view key, uint32_t most) {
  TRY_ASSIGN(const uint64_t found, file.unsigned_value(key));
  if (found < 1 || found > most) return refused(key, found, fmt::format("1 to {}", most));
  return static_cast<uint32_t>(found);
}

// A key that a file may leave out.
Result<uint32_t> read_size_or(const Gguf& file, std::string_view key, uint32_t most,
                              uint32_t fallback) {
  if (!file.has(key)) return fallback;
  return read_size(file, key, most);
}

Status read_attention(const Gguf& file, ModelHeader& header) {
  TRY_ASSIGN(header.heads, read_size(file, "qwen3.attention.head_count", kMostHeads));
  TRY_ASSIGN(header.kv_heads,
             read_size_or(file, "qwen3.attention.head_count_kv", kMostHeads, header.heads));
  if (header.heads % header.kv_heads != 0) {
    return refused("qwen3.attention.head_count_kv", header.kv_heads,
                   fmt::format("a divisor of {} heads", header.heads));
  }
  const uint32_t share = header.width / header.heads;
  TRY_ASSIGN(header.head_width,
             read_size_or(file, "qwen3.attention.key_length", kMostHeadWidth, share));
  TRY_ASSIGN(const uint32_t value_width,
             read_size_or(file, "qwen3.attention.value_length", kMostHeadWidth, share));
  if (header.head_width < 2 || header.head_width % 2 != 0) {
    return refused("qwen3.attention.key_length", header.head_width, "an even number");
  }
  if (header.heads * header.head_width > header.width * kMostWidening) {
    return refused("qwen3.attention.head_count", header.heads,
                   fmt::format("at most {} times the width {} over heads of {}", kMostWidening,
                               header.width, header.head_width));
  }
  if (value_width != header.head_width) {
    return refused("qwen3.attention.value_length", value_width,
                   fmt::format("the key length {}", header.head_width));
  }
  if (file.has("qwen3.attention.causal")) {
    TRY_ASSIGN(const bool causal, file.bool_value("qwen3.attention.causal"));
    if (!causal) return refused("qwen3.attention.causal", "false", "true");
  }
  constexpr std::string_view kEpsilon = "qwen3.attention.layer_norm_rms_epsilon";
  TRY_ASSIGN(const double epsilon, file.float_value(kEpsilon));
  if (!(epsilon > 0 && epsilon < 1)) return refused(kEpsilon, epsilon, "a number from 0 to 1");
  header.rms_epsilon = static_cast<float>(epsilon);
  return {};
}

Status read_rope(const Gguf& file, ModelHeader& header) {
  constexpr std::string_view kBase = "qwen3.rope.freq_base";
  constexpr std::string_view kHint =
      "a known fault of conversion: convert the model again, or install another file";
  if (!file.has(kBase)) return missing_by_conversion(kBase, kHint);
  TRY_ASSIGN(const double base, file.float_value(kBase));
  // Converters that did not know the model wrote 10000, the default of others; every Qwen3
  // embedding model has 1e6. The vectors drift with the length of the text, which nobody notices.
  if (!(base >= kLeastRopeBase && base <= kMostRopeBase)) {
    return by_conversion(refused(kBase, base, "1000000"), kBase, kHint);
  }
  header.rope_base = static_cast<float>(base);
  constexpr std::string_view kScaling = "qwen3.rope.scaling.type";
  if (file.has(kScaling)) TRY(expect_string(file, kScaling, "none"));
  for (const std::string_view key : {"qwen3.rope.scaling.factor", "qwen3.rope.scale_linear"}) {
    if (!file.has(key)) continue;
    TRY_ASSIGN(const double factor, file.float_value(key));
    if (factor != 0 && factor != 1) return refused(key, factor, "1");
  }
  TRY_ASSIGN(const uint32_t rotated,
             read_size_or(file, "qwen3.rope.dimension_count", kMostHeadWidth, header.head_width));
  if (rotated != header.head_width) {
    return refused("qwen3.rope.dimension_count", rotated,
                   fmt::format("the head width {}", header.head_width));
  }
  return {};
}

Status check_pooling(const Gguf& file, std::optional<Pooling> otherwise) {
  constexpr std::string_view kPooling = "qwen3.pooling_type";
  if (!file.has(kPooling) && otherwise == Pooling::last) return {};
  TRY_ASSIGN(const uint64_t pooling, file.unsigned_value(kPooling));
  if (pooling == kPoolingLast) return {};
  return refused(kPooling, pooling, "3 (last token)");
}

Status read_vocabulary(const Gguf& file, ModelHeader& header) {
  TRY(expect_string(file, "tokenizer.ggml.model", "gpt2"));
  TRY(expect_string(file, "tokenizer.ggml.pre", "qwen2"));
  constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
  TRY_ASSIGN(const uint64_t tokens, file.array_size(kTokens));
  if (tokens < 1 || tokens > kMostTokens) {
    return refused(kTokens, fmt::format("an array of {}", tokens),
                   fmt::format("1 to {}", kMostTokens));
  }
  header.vocabulary = static_cast<uint32_t>(tokens);
  constexpr std::string_view kEos = "tokenizer.ggml.eos_token_id";
  TRY_ASSIGN(const uint64_t eos, file.unsigned_value(kEos));
  if (eos >= tokens) return refused(kEos, eos, fmt::format("an id below {}", tokens));
  header.eos = static_cast<uint32_t>(eos);

  // The vector is taken from the EOS token, so that a text without one has a wrong vector.
  constexpr std::string_view kAddEos = "tokenizer.ggml.add_eos_token";
  constexpr std::string_view kHint =
      "the file was converted before this was known: install a newer one";
  if (!file.has(kAddEos)) return missing_by_conversion(kAddEos, kHint);
  TRY_ASSIGN(header.append_eos, file.bool_value(kAddEos));
  if (!header.append_eos) return by_conversion(refused(kAddEos, "false", "true"), kAddEos, kHint);
  constexpr std::string_view kAddBos = "tokenizer.ggml.add_bos_token";
  if (file.has(kAddBos)) {
    TRY_ASSIGN(const bool add_bos, file.bool_value(kAddBos));
    if (add_bos) return refused(kAddBos, "true", "false");
  }
  return {};
}

}  // namespace

Result<ModelHeader> read_model_header(const Gguf& file, std::optional<Pooling> pooling) {
  ModelHeader header;
  TRY(expect_string(file, "general.architecture", "qwen3"));
  header.name = "unnamed";
  if (file.has("general.name")) {
    TRY_ASSIGN(const std::string_view name, file.string_value("general.name"));
    header.name = printable(name);
  }
  TRY(check_pooling(file, pooling));
  TRY_ASSIGN(header.layers, read_size(file, "qwen3.block_count", kMostLayers));
  TRY_ASSIGN(header.width, read_size(file, "qwen3.embedding_length", kMostWidth));
  TRY_ASSIGN(header.ff_width, read_size(file, "qwen3.feed_forward_length",
                                        std::min(kMostWidth, header.width * kMostWidening)));
  TRY_ASSIGN(header.context, read_size(file, "qwen3.context_length", kMostContext));
  TRY(read_attention(file, header));
  TRY(read_rope(file, header));
  TRY(read_vocabulary(file, header));
  return header;
}

}  // namespace runed::embed
