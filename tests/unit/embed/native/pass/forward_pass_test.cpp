#include "embed/native/pass/forward_pass.hpp"

#include <algorithm>
#include <cmath>

#include "embed/native/gemm/gemm_choice.hpp"
#include "embed/native/isa/kernel_choice.hpp"
#include "embed/native/native_engine.hpp"
#include "support/gemm_reference.hpp"
#include "support/random_model.hpp"
#include "support/result_matchers.hpp"

using runed::SystemClock;
using runed::embed::TensorType;
using runed::embed::TokenId;
using runed::embed::native::available_kernels;
using runed::embed::native::formats_of;
using runed::embed::native::Kernel;
using runed::embed::native::name_of;
using runed::embed::native::NativeEngine;
using runed::embed::native::NumberFormat;
using runed::test::kBlockShape;
using runed::test::kFormats;
using runed::test::kOddShape;
using runed::test::RandomModel;
using runed::test::rounded;
using runed::test::unwrap;

namespace {

using Ids = std::vector<TokenId>;
using Row = std::vector<double>;

const SystemClock kClock;

// What a format makes of a factor.
Row in_format(NumberFormat format, const Row& row) {
  if (format == NumberFormat::f32) return row;
  const std::vector<float> floats(row.begin(), row.end());
  return rounded(format, floats.data(), floats.size()).values;
}

// Attention's factors are never stored.
NumberFormat attention_format(NumberFormat format) {
  return format == NumberFormat::int8 ? NumberFormat::int16 : format;
}

// The product with a matrix, of whose rows nothing is rounded that is multiplied as it is stored.
Row multiply(NumberFormat format, const Row& matrix, const Row& row) {
  const Row in = in_format(format, row);
  Row out(matrix.size() / in.size());
  for (size_t i = 0; i < out.size(); ++i) {
    const auto first = matrix.begin() + static_cast<std::ptrdiff_t>(i * in.size());
    const Row stored(first, first + static_cast<std::ptrdiff_t>(in.size()));
    const Row weights = format == NumberFormat::int8 ? stored : in_format(format, stored);
    for (size_t k = 0; k < in.size(); ++k) out[i] += weights[k] * in[k];
  }
  return out;
}

Row normalized(const Row& in, const Row& weight) {
  double squares = 0;
  for (const double value : in) squares += value * value;
  const double mean = squares / static_cast<double>(in.size());
  Row out(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    out[i] = in[i] / std::sqrt(mean + static_cast<double>(RandomModel::kEpsilon)) * weight[i];
  }
  return out;
}

// One head of a projection, normalised and turned to its position, its pairs half a head apart.
Row placed_head(const Row& projected, size_t head, const Row& norm, size_t position) {
  const size_t width = norm.size();
  const auto first = projected.begin() + static_cast<std::ptrdiff_t>(head * width);
  const Row in = normalized(Row(first, first + static_cast<std::ptrdiff_t>(width)), norm);
  const size_t half = width / 2;
  Row out(width);
  for (size_t i = 0; i < half; ++i) {
    const double exponent = -2 * static_cast<double>(i) / static_cast<double>(width);
    const double angle = static_cast<double>(position) *
                         std::pow(static_cast<double>(RandomModel::kRopeBase), exponent);
    out[i] = in[i] * std::cos(angle) - in[half + i] * std::sin(angle);
    out[half + i] = in[half + i] * std::cos(angle) + in[i] * std::sin(angle);
  }
  return out;
}

// What one query gives: the values of all keys it sees, weighted by the softmax of its scores.
Row attend(NumberFormat format, const Row& query, const std::vector<Row>& keys,
           const std::vector<Row>& values, size_t key_count) {
  const size_t width = query.size();
  Row scaled = query;
  for (double& value : scaled) value /= std::sqrt(static_cast<double>(width));
  scaled = in_format(format, scaled);
  Row scores(key_count);
  for (size_t other = 0; other < key_count; ++other) {
    const Row key = in_format(format, keys[other]);
    for (size_t i = 0; i < width; ++i) scores[other] += scaled[i] * key[i];
  }
  const double maximum = *std::ranges::max_element(scores);
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - maximum);
  scores = in_format(format, scores);
  Row out(width);
  for (size_t i = 0; i < width; ++i) {
    Row column;
    for (size_t other = 0; other < key_count; ++other) column.push_back(values[other][i]);
    column = in_format(format, column);
    for (size_t other = 0; other < key_count; ++other)
      out[i] += scores[other] * column[other] / sum;
  }
  return out;
}

void add_to(Row& row, const Row& addend) {
  for (size_t i = 0; i < row.size(); ++i) row[i] += addend[i];
}

void add_attention(const RandomModel& model, NumberFormat format, uint32_t layer,
                   std::vector<Row>& hidden) {
  std::vector<Row> queries;
  std::vector<Row> keys;
  std::vector<Row> values;
  for (size_t position = 0; position < hidden.size(); ++position) {
    const Row in = normalized(hidden[position], model.tensor(layer, "attn_norm"));
    queries.push_back(multiply(format, model.tensor(layer, "attn_q"), in));
    keys.push_back(placed_head(multiply(format, model.tensor(layer, "attn_k"), in), 0,
                               model.tensor(layer, "attn_k_norm"), position));
    values.push_back(multiply(format, model.tensor(layer, "attn_v"), in));
  }
  for (size_t position = 0; position < hidden.size(); ++position) {
    Row all_heads;
    for (size_t head = 0; head < model.shape.heads; ++head) {
      const Row query =
          placed_head(queries[position], head, model.tensor(layer, "attn_q_norm"), position);
      const Row out = attend(attention_format(format), query, keys, values, position + 1);
      all_heads.insert(all_heads.end(), out.begin(), out.end());
    }
    add_to(hidden[position], multiply(format, model.tensor(layer, "attn_output"), all_heads));
  }
}

void add_feed_forward(const RandomModel& model, NumberFormat format, uint32_t layer, Row& hidden) {
  const Row in = normalized(hidden, model.tensor(layer, "ffn_norm"));
  Row gate = multiply(format, model.tensor(layer, "ffn_gate"), in);
  const Row up = multiply(format, model.tensor(layer, "ffn_up"), in);
  for (size_t i = 0; i < gate.size(); ++i) gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
  add_to(hidden, multiply(format, model.tensor(layer, "ffn_down"), gate));
}

// The vector of one text by the definition of the model, in double, with the factors of all products
// as a format rounds them.
Row reference_vector(const RandomModel& model, NumberFormat format, const Ids& ids) {
  const uint32_t width = model.shape.width;
  std::vector<Row> hidden;
  for (const TokenId id : ids) {
    const auto first = model.tensor("token_embd").begin() + std::ptrdiff_t{id} * width;
    hidden.emplace_back(first, first + width);
  }
  for (uint32_t layer = 0; layer < RandomModel::kLayers; ++layer) {
    add_attention(model, format, layer, hidden);
    for (Row& row : hidden) add_feed_forward(model, format, layer, row);
  }
  Row vector = normalized(hidden.back(), model.tensor("output_norm"));
  double squares = 0;
  for (const double value : vector) squares += value * value;
  for (double& value : vector) value /= std::sqrt(squares);
  return vector;
}

// The vectors of one batch by the engine.
std::vector<Row> embed(const RandomModel& model, const Kernel& kernel, NumberFormat compute,
                       const std::vector<Ids>& texts) {
  const auto engine = unwrap(NativeEngine::create({.source = {model.file, ""},
                                                   .sha256 = std::string(64, '0'),
                                                   .threads = 2,
                                                   .kernel = std::string(kernel.name),
                                                   .compute = compute},
                                                  kClock));
  unwrap(engine->start());
  const uint32_t width = model.shape.width;
  Ids ids;
  std::vector<uint32_t> offsets{0};
  for (const Ids& text : texts) {
    ids.insert(ids.end(), text.begin(), text.end());
    offsets.push_back(static_cast<uint32_t>(ids.size()));
  }
  std::vector<float> all(texts.size() * width);
  unwrap(engine->embed({ids, offsets}, all));
  std::vector<Row> vectors;
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(i * width);
    vectors.emplace_back(first, first + width);
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
    for (TokenId& id : text) id = (next = next * 31 % 10007) % RandomModel::kVocabulary;
    texts.push_back(text);
  }
  return texts;
}

// The vectors of texts by the definition.
struct References {
  References(const RandomModel& model, const std::vector<Ids>& texts) {
    for (const Ids& text : texts) exact.push_back(reference_vector(model, NumberFormat::f32, text));
  }

  // How far the roundings of a format alone move these vectors.
  double distance(const RandomModel& model, NumberFormat format,
                  const std::vector<Ids>& texts) const {
    double worst = 0;
    for (size_t i = 0; i < texts.size(); ++i) {
      worst = std::max(worst, 1 - cosine(reference_vector(model, format, texts[i]), exact[i]));
    }
    return worst;
  }

  std::vector<Row> exact;
};

// What f32 itself adds, everywhere, to the distance of two vectors.
constexpr double kFloatDistance = 1e-6;

// The engine may be as far off the definition as the roundings that its format asks for make it; they
// fall out differently here and there, hence twice the length: four times the distance.
void check_format(const RandomModel& model, const References& references, NumberFormat asked,
                  NumberFormat in_force, const std::vector<Ids>& texts) {
  const double allowed = kFloatDistance + 4 * references.distance(model, in_force, texts);
  CHECK(allowed < 0.02);  // Tells texts apart.
  for (const Kernel* kernel : available_kernels()) {
    const std::vector<NumberFormat> formats = formats_of(*kernel);
    if (std::ranges::find(formats, asked) == formats.end()) continue;
    const std::vector<Row> together = embed(model, *kernel, asked, texts);
    for (size_t i = 0; i < texts.size(); ++i) {
      INFO("kernel " << kernel->name << ", " << name_of(asked) << ", text of " << texts[i].size());
      const Row alone = embed(model, *kernel, asked, {texts[i]}).front();
      CHECK(1 - cosine(alone, references.exact[i]) <= allowed);
      CHECK(1 - cosine(together[i], references.exact[i]) <= allowed);
      CHECK(1 - cosine(together[i], alone) <= kFloatDistance);
    }
  }
}

}  // namespace

TEST_CASE("the forward pass is that of its definition, for widths that no vector divides") {
  const std::vector<Ids> texts = texts_of_odd_lengths();
  for (const TensorType type : {TensorType::f32, TensorType::f16, TensorType::bf16}) {
    INFO("type " << static_cast<int>(type));
    const RandomModel model(type, kOddShape);
    const References references(model, texts);
    CHECK(cosine(references.exact[2], references.exact[3]) < 0.9);
    for (const NumberFormat format : {NumberFormat::f32, NumberFormat::bf16, NumberFormat::int16}) {
      check_format(model, references, format, format, texts);
    }
    check_format(model, references, NumberFormat::int8, NumberFormat::int16, texts);
  }
}

TEST_CASE("the forward pass of quantized weights is that of its definition, in every format") {
  const std::vector<Ids> texts = texts_of_odd_lengths();
  const RandomModel model(TensorType::q8_0, kBlockShape);
  const References references(model, texts);
  CHECK(cosine(references.exact[2], references.exact[3]) < 0.9);
  for (const NumberFormat format : kFormats) {
    check_format(model, references, format, format, texts);
  }
}
