#include "embed/model/spec_reader.hpp"

#include <algorithm>
#include <utility>

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

constexpr double kMostRopeBase = 1e12;
constexpr double kMostRopeScaling = 1e6;
constexpr uint32_t kMostTokenTypes = 1024;


template <typename Value, typename Expected>
Error refused(std::string_view key, const Value& found, const Expected& expected,
              std::string_view hint = {}) {
  return conversion_fault(fmt::format("key '{}' is {} where {} was expected", key, found, expected),
                          key, hint);
}

Error missing(std::string_view key) {
  return conversion_fault(fmt::format("key '{}' is missing", key), key, kConvertAgain);
}

// A key of another type, or that is missing, is a fault of the file.
template <typename Value>
Result<Value> of_file(Result<Value> value, std::string_view key) {
  if (value) return value;
  return std::move(value).error().with(fact::kConversionFault, std::string(key));
}

}  // namespace

Error conversion_fault(std::string message, std::string_view key, std::string_view hint) {
  return make_error(ErrorCode::model_unsupported, "{}", message)
      .with_hint(std::string(hint))
      .with(fact::kConversionFault, std::string(key));
}

Result<uint64_t> SpecReader::read_unsigned(const std::string& key) const {
  return of_file(file_.unsigned_value(key), key);
}

Result<double> SpecReader::read_float(const std::string& key) const {
  return of_file(file_.float_value(key), key);
}

Result<bool> SpecReader::read_flag(const std::string& key, bool fallback) const {
  if (!file_.has(key)) return fallback;
  return of_file(file_.bool_value(key), key);
}

Result<std::string> SpecReader::read_text(const std::string& key) const {
  TRY_ASSIGN(const std::string_view text, of_file(file_.string_value(key), key));
  return printable(text);
}

Result<uint32_t> SpecReader::read_size(std::string_view name, uint32_t most) const {
  const std::string key = spec_.key(name);
  TRY_ASSIGN(const uint64_t found, read_unsigned(key));
  if (found < 1 || found > most) return refused(key, found, fmt::format("1 to {}", most));
  return static_cast<uint32_t>(found);
}

Result<uint32_t> SpecReader::read_size_or(std::string_view name, uint32_t most,
                                          uint32_t fallback) const {
  if (!file_.has(spec_.key(name))) return fallback;
  return read_size(name, most);
}

Status SpecReader::read_sizes() const {
  TRY_ASSIGN(spec_.layers, read_size("block_count", kMostLayers));
  TRY_ASSIGN(spec_.width, read_size("embedding_length", kMostWidth));
  TRY_ASSIGN(spec_.ff_width,
             read_size("feed_forward_length", std::min(kMostWidth, spec_.width * kMostWidening)));
  TRY_ASSIGN(spec_.context, read_size("context_length", kMostContext));
  return read_heads();
}

Status SpecReader::read_heads() const {
  TRY_ASSIGN(spec_.heads, read_size("attention.head_count", kMostHeads));
  TRY_ASSIGN(spec_.kv_heads, read_size_or("attention.head_count_kv", kMostHeads, spec_.heads));
  if (spec_.heads % spec_.kv_heads != 0) {
    return refused(spec_.key("attention.head_count_kv"), spec_.kv_heads,
                   fmt::format("a divisor of {} heads", spec_.heads));
  }
  const uint32_t share = spec_.width / spec_.heads;
  TRY_ASSIGN(spec_.head_width, read_size_or("attention.key_length", kMostHeadWidth, share));
  TRY_ASSIGN(spec_.value_width, read_size_or("attention.value_length", kMostHeadWidth, share));
  if (spec_.head_width < 2 || spec_.head_width % 2 != 0) {
    return refused(spec_.key("attention.key_length"), spec_.head_width, "an even number");
  }
  const uint32_t widest = std::max(spec_.head_width, spec_.value_width);
  if (spec_.heads * widest > spec_.width * kMostWidening) {
    return refused(spec_.key("attention.head_count"), spec_.heads,
                   fmt::format("at most {} times the width {} over heads of {}", kMostWidening,
                               spec_.width, widest));
  }
  return {};
}

Status SpecReader::read_rotary(double least_base, double usual_base) const {
  spec_.positions = Positions::rotary;
  constexpr std::string_view kHint =
      "a known fault of conversion: convert the model again, or install another file";
  const std::string base_key = spec_.key("rope.freq_base");
  if (!file_.has(base_key)) {
    return conversion_fault(fmt::format("key '{}' is missing", base_key), base_key, kHint);
  }
  TRY_ASSIGN(const double base, read_float(base_key));
  // The vectors drift with the length of the text, which nobody notices.
  if (!(base >= least_base && base <= kMostRopeBase)) {
    return refused(base_key, base, usual_base, kHint);
  }
  spec_.rope_base = static_cast<float>(base);
  TRY_ASSIGN(spec_.rotary_width,
             read_size_or("rope.dimension_count", kMostHeadWidth, spec_.head_width));
  if (const std::string key = spec_.key("rope.scaling.type"); file_.has(key)) {
    TRY_ASSIGN(spec_.rope_scaling, read_text(key));
  }
  for (const char* name : {"rope.scaling.factor", "rope.scale_linear"}) {
    const std::string key = spec_.key(name);
    if (!file_.has(key)) continue;
    TRY_ASSIGN(const double factor, read_float(key));
    if (!(factor >= 0 && factor <= kMostRopeScaling)) {
      return refused(key, factor, fmt::format("0 to {}", kMostRopeScaling), kConvertAgain);
    }
    if (factor != 0 && factor != 1) spec_.rope_scaling_factor = factor;
  }
  return {};
}

// Source: llama.cpp, llama_model_base::load_hparams, get_key_or_arr of the pattern.
Status SpecReader::read_local_layers(LocalLayers layers) const {
  const std::string key = spec_.key("attention.sliding_window_pattern");
  spec_.local_layers.clear();
  if (file_.has(key) && file_.array_size(key)) {
    TRY_ASSIGN(spec_.local_layers, of_file(file_.bool_array(key), key));
    if (spec_.local_layers.size() == spec_.layers) return {};
    return refused(key, fmt::format("an array of {}", spec_.local_layers.size()), spec_.layers,
                   kConvertAgain);
  }
  TRY_ASSIGN(const uint32_t period, read_size_or("attention.sliding_window_pattern",
                                                 kMostLayers + 1, layers.usual_period));
  const uint32_t global = layers.global == LocalLayers::Global::first ? 0 : period - 1;
  for (uint32_t layer = 0; layer < spec_.layers; ++layer) {
    spec_.local_layers.push_back(layer % period != global);
  }
  return {};
}

Status SpecReader::read_window(LocalLayers layers) const {
  constexpr float kUsualLocalBase = 10000;
  const std::string key = spec_.key("attention.sliding_window");
  if (!file_.has(key)) return missing(key);
  TRY_ASSIGN(const uint32_t both_sides, read_size("attention.sliding_window", kMostContext));
  if (both_sides < 2) return refused(key, both_sides, "2 tokens or more", kConvertAgain);
  spec_.window = both_sides / 2;
  TRY(read_local_layers(layers));
  spec_.local_rope_base = kUsualLocalBase;
  const std::string base_key = spec_.key("rope.freq_base_swa");
  if (!file_.has(base_key)) return {};
  TRY_ASSIGN(const double base, read_float(base_key));
  if (!(base > 1 && base <= kMostRopeBase)) {
    return refused(base_key, base, kUsualLocalBase, kConvertAgain);
  }
  spec_.local_rope_base = static_cast<float>(base);
  return {};
}

Status SpecReader::read_mask() const {
  TRY_ASSIGN(const bool is_causal, read_flag(spec_.key("attention.causal"), true));
  spec_.mask = is_causal ? Mask::causal : Mask::none;
  return {};
}

Status SpecReader::read_norm_epsilon(std::string_view name) const {
  const std::string key = spec_.key(name);
  TRY_ASSIGN(const double epsilon, read_float(key));
  if (!(epsilon > 0 && epsilon < 1)) return refused(key, epsilon, "a number from 0 to 1");
  spec_.norm_epsilon = static_cast<float>(epsilon);
  return {};
}

Status SpecReader::read_tokenizer() const {
  TRY_ASSIGN(spec_.tokenizer.model, read_text("tokenizer.ggml.model"));
  if (const std::string key = "tokenizer.ggml.pre"; file_.has(key)) {
    TRY_ASSIGN(spec_.tokenizer.pre, read_text(key));
  }
  const std::string key = "tokenizer.ggml.tokens";
  TRY_ASSIGN(const uint64_t tokens, of_file(file_.array_size(key), key));
  if (tokens < 1 || tokens > kMostTokens) {
    return refused(key, fmt::format("an array of {}", tokens), fmt::format("1 to {}", kMostTokens));
  }
  spec_.vocabulary = static_cast<uint32_t>(tokens);
  return {};
}

Result<TokenId> SpecReader::read_token(const std::string& key) const {
  TRY_ASSIGN(const uint64_t id, read_unsigned(key));
  if (id >= spec_.vocabulary)
    return refused(key, id, fmt::format("an id below {}", spec_.vocabulary));
  return static_cast<TokenId>(id);
}

Status SpecReader::read_frame(End end) const {
  spec_.frame = {};
  const std::string add_eos = "tokenizer.ggml.add_eos_token";
  if (end == End::needed && !file_.has(add_eos)) return missing(add_eos);
  TRY_ASSIGN(const bool has_end, read_flag(add_eos, false));
  if (end == End::needed && !has_end) return refused(add_eos, "false", "true", kConvertAgain);
  if (has_end) {
    TRY_ASSIGN(const TokenId eos, read_token("tokenizer.ggml.eos_token_id"));
    spec_.frame.after = {eos};
  }
  TRY_ASSIGN(const bool has_begin, read_flag("tokenizer.ggml.add_bos_token", false));
  if (has_begin) {
    TRY_ASSIGN(const TokenId bos, read_token("tokenizer.ggml.bos_token_id"));
    spec_.frame.before = {bos};
  }
  return {};
}

Status SpecReader::read_frame_of_encoder() const {
  if (spec_.tokenizer.model == "bert") return check_word_piece_frame();
  return read_frame(End::needed);
}

Status SpecReader::check_word_piece_frame() const {
  for (const auto& [tokens, key] : {std::pair(&spec_.frame.before, "tokenizer.ggml.bos_token_id"),
                                    {&spec_.frame.after, "tokenizer.ggml.eos_token_id"}}) {
    if (std::ranges::find(*tokens, kTokenOfEngine) == tokens->end()) continue;
    return conversion_fault(
        fmt::format("key '{}' names no token of the vocabulary of {}", key, spec_.vocabulary), key,
        kConvertAgain);
  }
  return {};
}

Status SpecReader::read_token_types() const {
  const std::string key = "tokenizer.ggml.token_type_count";
  spec_.token_types = 0;
  if (!file_.has(key)) return {};
  TRY_ASSIGN(const uint64_t found, read_unsigned(key));
  if (found > kMostTokenTypes) return refused(key, found, fmt::format("0 to {}", kMostTokenTypes));
  spec_.token_types = static_cast<uint32_t>(found);
  return {};
}

Result<std::optional<std::string>> SpecReader::find_text(std::string_view name) const {
  const std::string key = spec_.key(name);
  if (!file_.has(key)) return std::nullopt;
  TRY_ASSIGN(std::string text, read_text(key));
  return text;
}

Result<DenseLayer::Activation> SpecReader::read_activation(const std::string& key) const {
  TRY_ASSIGN(const std::string activation, read_text(key));
  if (activation == "tanh") return DenseLayer::Activation::tanh;
  if (activation == "identity") return DenseLayer::Activation::identity;
  return refused(key, fmt::format("'{}'", activation), "'identity' or 'tanh'");
}

Status SpecReader::read_dense(std::optional<DenseLayer::Activation> activation) const {
  spec_.dense.clear();
  uint32_t inputs = spec_.width;
  for (const char* name : {"dense_2", "dense_3"}) {
    if (!file_.has(spec_.key(fmt::format("{}_feat_out", name)))) return {};
    DenseLayer layer;
    TRY_ASSIGN(layer.inputs, read_size(fmt::format("{}_feat_in", name), kMostWidth));
    TRY_ASSIGN(layer.outputs, read_size(fmt::format("{}_feat_out", name), kMostWidth));
    if (layer.inputs != inputs) {
      return refused(spec_.key(fmt::format("{}_feat_in", name)), layer.inputs, inputs);
    }
    // Without a model that is always the same, each is as likely as the other.
    const std::string key = fmt::format("runed.{}.activation", name);
    if (activation.has_value() && !file_.has(key)) {
      layer.activation = *activation;
    } else {
      TRY_ASSIGN(layer.activation, read_activation(key));
    }
    inputs = layer.outputs;
    spec_.dense.push_back(layer);
  }
  return {};
}

}  // namespace runed::embed
