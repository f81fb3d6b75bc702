#include "embed/native/forward_pass.hpp"

#include <bit>
#include <cmath>
#include <map>

#include "embed/native/float_formats.hpp"
#include "embed/native/kernel_choice.hpp"
#include "embed/native/native_embedder.hpp"
#include "support/gguf_builder.hpp"
#include "support/random_floats.hpp"
#include "support/result_matchers.hpp"

using runed::SystemClock;
using runed::embed::TokenId;
using runed::embed::native::available_kernels;
using runed::embed::native::bf16_to_float;
using runed::embed::native::f16_to_float;
using runed::embed::native::Kernel;
using runed::embed::native::load;
using runed::embed::native::NativeEmbedder;
using runed::embed::native::TensorType;
using runed::test::GgufBuilder;
using runed::test::random_floats;
using runed::test::small_qwen3;
using runed::test::unwrap;

namespace {

using Ids = std::vector<TokenId>;
using Row = std::vector<double>;

// No width is a multiple of a vector, of a panel or of a cache line.
constexpr uint32_t kLayers = 2;
constexpr uint32_t kWidth = 50;
constexpr uint32_t kFfWidth = 70;
constexpr uint32_t kHeads = 3;
constexpr uint32_t kHeadWidth = 18;  // One head of keys and values serves all three.
constexpr uint64_t kQueryWidth = uint64_t{kHeads} * kHeadWidth;
constexpr uint32_t kVocabulary = 262;
constexpr float kRopeBase = 1e5F;
constexpr float kEpsilon = 0.01F;  // So large that another one would show.

const SystemClock kClock;

// A number as a file of this type stores it, rounded towards zero.
std::string stored(TensorType type, float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (type == TensorType::f32) return GgufBuilder::bytes_of(value);
  if (type == TensorType::bf16) return GgufBuilder::bytes_of(static_cast<uint16_t>(bits >> 16));
  const uint32_t rest = bits & 0x7FFFFFFF;
  const uint32_t half = rest < 113U << 23 ? 0 : (rest - (112U << 23)) >> 13;
  return GgufBuilder::bytes_of(static_cast<uint16_t>(bits >> 31 << 15 | half));
}

// What that number is.
double read_back(TensorType type, const std::string& bytes) {
  const auto* from = reinterpret_cast<const std::byte*>(bytes.data());
  if (type == TensorType::f32) return static_cast<double>(load<float>(from));
  const auto half = load<uint16_t>(from);
  return static_cast<double>(type == TensorType::f16 ? f16_to_float(half) : bf16_to_float(half));
}

/// A model of random weights: its file, and every tensor as the numbers that the file holds.
class RandomModel {
 public:
  explicit RandomModel(TensorType type) : type_(type), builder_(small_qwen3()) {
    builder_.set("qwen3.block_count", kLayers)
        .set("qwen3.embedding_length", kWidth)
        .set("qwen3.feed_forward_length", kFfWidth)
        .set("qwen3.attention.head_count", kHeads)
        .set("qwen3.attention.head_count_kv", uint32_t{1})
        .set("qwen3.attention.key_length", kHeadWidth)
        .set("qwen3.attention.value_length", kHeadWidth)
        .set("qwen3.attention.layer_norm_rms_epsilon", kEpsilon)
        .set("qwen3.rope.freq_base", kRopeBase);
    add_matrix("token_embd", kVocabulary, kWidth);
    add_norm("output_norm", kWidth);
    for (uint32_t layer = 0; layer < kLayers; ++layer) {
      const auto name = [layer](const char* part) { return fmt::format("blk.{}.{}", layer, part); };
      add_norm(name("attn_norm"), kWidth);
      add_norm(name("attn_q_norm"), kHeadWidth);
      add_norm(name("attn_k_norm"), kHeadWidth);
      add_matrix(name("attn_q"), kQueryWidth, kWidth);
      add_matrix(name("attn_k"), kHeadWidth, kWidth);
      add_matrix(name("attn_v"), kHeadWidth, kWidth);
      add_matrix(name("attn_output"), kWidth, kQueryWidth);
      add_norm(name("ffn_norm"), kWidth);
      add_matrix(name("ffn_gate"), kFfWidth, kWidth);
      add_matrix(name("ffn_up"), kFfWidth, kWidth);
      add_matrix(name("ffn_down"), kWidth, kFfWidth);
    }
    file = builder_.build();
  }

  const Row& tensor(const std::string& name) const { return tensors_.at(name); }
  const Row& tensor(uint32_t layer, const char* part) const {
    return tensors_.at(fmt::format("blk.{}.{}", layer, part));
  }

  std::vector<std::byte> file;

 private:
  void add(const std::string& name, TensorType type, const std::vector<uint64_t>& shape,
           const std::vector<float>& values) {
    std::string data;
    Row& row = tensors_[name];
    for (const float value : values) {
      const std::string bytes = stored(type, value);
      row.push_back(read_back(type, bytes));
      data += bytes;
    }
    builder_.tensor(name + ".weight", type, shape, data);
  }

  void add_matrix(const std::string& name, uint64_t rows, uint64_t columns) {
    add(name, type_, {columns, rows}, random_floats(rows * columns, 0.4F));
  }

  // Norms are always F32, as converters write them, and near one.
  void add_norm(const std::string& name, uint64_t width) {
    std::vector<float> values = random_floats(width, 0.5F);
    for (float& value : values) value += 1;
    add(name, TensorType::f32, {width}, values);
  }

  TensorType type_;
  GgufBuilder builder_;
  std::map<std::string, Row> tensors_;
};

Row multiply(const Row& matrix, const Row& in) {
  Row out(matrix.size() / in.size());
  for (size_t row = 0; row < out.size(); ++row) {
    for (size_t k = 0; k < in.size(); ++k) out[row] += matrix[row * in.size() + k] * in[k];
  }
  return out;
}

Row normalized(const Row& in, const Row& weight) {
  double squares = 0;
  for (const double value : in) squares += value * value;
  const double mean = squares / static_cast<double>(in.size());
  Row out(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    out[i] = in[i] / std::sqrt(mean + static_cast<double>(kEpsilon)) * weight[i];
  }
  return out;
}

// One head of a projection, normalised and turned to its position, its pairs half a head apart.
Row placed_head(const Row& projected, size_t head, const Row& norm, size_t position) {
  const auto first = projected.begin() + static_cast<std::ptrdiff_t>(head * kHeadWidth);
  const Row in = normalized(Row(first, first + kHeadWidth), norm);
  constexpr size_t kHalf = kHeadWidth / 2;
  Row out(kHeadWidth);
  for (size_t i = 0; i < kHalf; ++i) {
    const double exponent = -2 * static_cast<double>(i) / kHeadWidth;
    const double angle =
        static_cast<double>(position) * std::pow(static_cast<double>(kRopeBase), exponent);
    out[i] = in[i] * std::cos(angle) - in[kHalf + i] * std::sin(angle);
    out[kHalf + i] = in[kHalf + i] * std::cos(angle) + in[i] * std::sin(angle);
  }
  return out;
}

// What one query gives: the values of all keys, weighted by the softmax of its scores.
Row attend(const Row& query, const std::vector<Row>& keys, const std::vector<Row>& values,
           size_t key_count) {
  Row out(kHeadWidth);
  double sum = 0;
  for (size_t other = 0; other < key_count; ++other) {
    double score = 0;
    for (size_t i = 0; i < kHeadWidth; ++i) score += query[i] * keys[other][i];
    const double weight = std::exp(score / std::sqrt(static_cast<double>(kHeadWidth)));
    sum += weight;
    for (size_t i = 0; i < kHeadWidth; ++i) out[i] += weight * values[other][i];
  }
  for (double& value : out) value /= sum;
  return out;
}

void add_to(Row& row, const Row& addend) {
  for (size_t i = 0; i < row.size(); ++i) row[i] += addend[i];
}

void add_attention(const RandomModel& model, uint32_t layer, std::vector<Row>& hidden) {
  std::vector<Row> queries;
  std::vector<Row> keys;
  std::vector<Row> values;
  for (size_t position = 0; position < hidden.size(); ++position) {
    const Row in = normalized(hidden[position], model.tensor(layer, "attn_norm"));
    queries.push_back(multiply(model.tensor(layer, "attn_q"), in));
    keys.push_back(placed_head(multiply(model.tensor(layer, "attn_k"), in), 0,
                               model.tensor(layer, "attn_k_norm"), position));
    values.push_back(multiply(model.tensor(layer, "attn_v"), in));
  }
  for (size_t position = 0; position < hidden.size(); ++position) {
    Row all_heads;
    for (size_t head = 0; head < kHeads; ++head) {
      const Row query =
          placed_head(queries[position], head, model.tensor(layer, "attn_q_norm"), position);
      const Row out = attend(query, keys, values, position + 1);
      all_heads.insert(all_heads.end(), out.begin(), out.end());
    }
    add_to(hidden[position], multiply(model.tensor(layer, "attn_output"), all_heads));
  }
}

void add_feed_forward(const RandomModel& model, uint32_t layer, Row& hidden) {
  const Row in = normalized(hidden, model.tensor(layer, "ffn_norm"));
  Row gate = multiply(model.tensor(layer, "ffn_gate"), in);
  const Row up = multiply(model.tensor(layer, "ffn_up"), in);
  for (size_t i = 0; i < gate.size(); ++i) gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
  add_to(hidden, multiply(model.tensor(layer, "ffn_down"), gate));
}

// The vector of one text by the definition of the model, in double.
Row reference_vector(const RandomModel& model, const Ids& ids) {
  std::vector<Row> hidden;
  for (const TokenId id : ids) {
    const auto first = model.tensor("token_embd").begin() + std::ptrdiff_t{id} * kWidth;
    hidden.emplace_back(first, first + kWidth);
  }
  for (uint32_t layer = 0; layer < kLayers; ++layer) {
    add_attention(model, layer, hidden);
    for (Row& row : hidden) add_feed_forward(model, layer, row);
  }
  Row vector = normalized(hidden.back(), model.tensor("output_norm"));
  double squares = 0;
  for (const double value : vector) squares += value * value;
  for (double& value : vector) value /= std::sqrt(squares);
  return vector;
}

// The vectors of one batch by the engine.
std::vector<Row> embed(const RandomModel& model, const Kernel& kernel,
                       const std::vector<Ids>& texts) {
  const auto engine = unwrap(NativeEmbedder::create({.source = {model.file, ""},
                                                     .sha256 = std::string(64, '0'),
                                                     .threads = 2,
                                                     .kernel = std::string(kernel.name)},
                                                    kClock));
  unwrap(engine->start());
  Ids ids;
  std::vector<uint32_t> offsets{0};
  for (const Ids& text : texts) {
    ids.insert(ids.end(), text.begin(), text.end());
    offsets.push_back(static_cast<uint32_t>(ids.size()));
  }
  std::vector<float> all(texts.size() * kWidth);
  unwrap(engine->embed({ids, offsets}, all));
  std::vector<Row> vectors;
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(i * kWidth);
    vectors.emplace_back(first, first + kWidth);
  }
  return vectors;
}

// Of two vectors of unit length.
double cosine(const Row& a, const Row& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// Texts at the edges of vectors, of tiles of six rows and of blocks of 64 keys.
std::vector<Ids> texts_of_odd_lengths() {
  std::vector<Ids> texts;
  uint32_t next = 7;
  for (const size_t length : {1U, 2U, 17U, 33U, 65U, 128U}) {
    Ids text(length);
    for (TokenId& id : text) id = (next = next * 31 % 10007) % kVocabulary;
    texts.push_back(text);
  }
  return texts;
}

}  // namespace

TEST_CASE("the forward pass is that of its definition, for widths that no vector divides") {
  const std::vector<Ids> texts = texts_of_odd_lengths();
  for (const TensorType type : {TensorType::f32, TensorType::f16, TensorType::bf16}) {
    const RandomModel model(type);
    std::vector<Row> expected;
    expected.reserve(texts.size());
    for (const Ids& text : texts) expected.push_back(reference_vector(model, text));
    CHECK(cosine(expected[2], expected[3]) < 0.9);  // The bound below tells texts apart.
    for (const Kernel* kernel : available_kernels()) {
      const std::vector<Row> together = embed(model, *kernel, texts);
      for (size_t i = 0; i < texts.size(); ++i) {
        INFO("type " << static_cast<int>(type) << ", kernel " << kernel->name << ", text of "
                     << texts[i].size());
        const Row alone = embed(model, *kernel, {texts[i]}).front();
        CHECK(cosine(alone, expected[i]) >= 1 - 1e-6);
        CHECK(cosine(together[i], expected[i]) >= 1 - 1e-6);
        CHECK(cosine(together[i], alone) >= 1 - 1e-6);
      }
    }
  }
}
