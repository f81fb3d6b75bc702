#include "embed/llama_server/protocol/embedding_reply.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>
#include <optional>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace runed::embed::llama_server {
namespace {

static_assert(std::endian::native == std::endian::little, "vectors are little-endian f32");

constexpr uint64_t kBytesOfNumber = 32;  // `-0.0000000123456789012345,` and some blanks.
constexpr uint64_t kBytesAroundVector = 1024;
constexpr uint64_t kBytesAround = 65536;
constexpr uint32_t kMostDimension = 1 << 16;

// llama-server normalises in f32. What is farther from unit length is no embedding.
constexpr double kNormTolerance = 0.01;

Error fault(const std::string& what) {
  return make_error(ErrorCode::engine_fault, "llama-server answered {}", what);
}

Result<std::vector<float>> decode(const Json& value) {
  std::vector<float> vector;
  if (value.is_string()) {
    const auto bytes = decode_base64(value.get_ref<const std::string&>());
    if (!bytes.has_value() || bytes->size() % sizeof(float) != 0) {
      return fault("a vector that is no base64 of floats");
    }
    vector.resize(bytes->size() / sizeof(float));
    std::memcpy(vector.data(), bytes->data(), bytes->size());
    return vector;
  }
  if (!value.is_array()) return fault("a vector that is neither text nor numbers");
  vector.reserve(value.size());
  for (const Json& number : value) {
    // JSON has no NaN: llama-server writes null.
    if (number.is_number()) {
      vector.push_back(number.get<float>());
    } else if (number.is_null()) {
      vector.push_back(std::nanf(""));
    } else {
      return fault("a vector with something that is no number");
    }
  }
  return vector;
}

Status normalise(std::span<float> vector, size_t index) {
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * value;
  if (!std::isfinite(squares)) {
    return make_error(ErrorCode::not_finite, "the vector of text {} is not finite", index)
        .with(fact::kIndex, index);
  }
  const double length = std::sqrt(squares);
  if (std::abs(length - 1) > kNormTolerance) {
    return fault(fmt::format("a vector of length {:.3g} where 1 was expected", length));
  }
  for (float& value : vector) value = static_cast<float>(value / length);
  return {};
}

// The place of an entry among the vectors: what it says itself, else where it stands.
Result<size_t> place_of(const Json& entry, size_t position, size_t texts) {
  const auto index = entry.find("index");
  if (index == entry.end()) return position;
  if (!index->is_number_unsigned() || index->get<uint64_t>() >= texts) {
    return fault("a vector for no text that was asked for");
  }
  return index->get<size_t>();
}

Result<std::vector<float>> read_vectors(const Json& reply, size_t texts, uint32_t dimension) {
  const auto data = reply.find("data");
  if (data == reply.end() || !data->is_array()) return fault("JSON without an array 'data'");
  if (data->size() != texts) {
    return fault(fmt::format("{} vectors for {} texts", data->size(), texts));
  }
  std::vector<float> vectors;
  std::vector<bool> is_there(texts, false);
  for (size_t i = 0; i < texts; ++i) {
    const Json& entry = (*data)[i];
    if (!entry.is_object() || !entry.contains("embedding")) return fault("an entry without vector");
    TRY_ASSIGN(const size_t place, place_of(entry, i, texts));
    TRY_ASSIGN(std::vector<float> vector, decode(entry["embedding"]));
    if (dimension == 0 && !vector.empty() && vector.size() <= kMostDimension) {
      dimension = static_cast<uint32_t>(vector.size());
    }
    if (dimension == 0 || vector.size() != dimension) {
      return fault(
          fmt::format("a vector of {} floats where {} were expected", vector.size(), dimension));
    }
    if (is_there[place]) return fault("two vectors for one text");
    is_there[place] = true;
    TRY(normalise(vector, place));
    vectors.resize(texts * dimension);
    std::ranges::copy(vector, vectors.begin() + static_cast<std::ptrdiff_t>(place * dimension));
  }
  return vectors;
}

}  // namespace

std::string write_request(const PackedBatch& batch, size_t first, size_t last) {
  std::string body = "{\"encoding_format\":\"base64\",\"input\":[";
  for (size_t text = first; text < last; ++text) {
    const auto ids =
        batch.ids.subspan(batch.offsets[text], batch.offsets[text + 1] - batch.offsets[text]);
    fmt::format_to(std::back_inserter(body), "{}[{}]", text == first ? "" : ",",
                   fmt::join(ids, ","));
  }
  return body + "]}";
}

uint64_t most_reply_bytes(size_t texts, uint32_t dimension) {
  const uint64_t floats = dimension == 0 ? kMostDimension : dimension;
  return kBytesAround + texts * (floats * kBytesOfNumber + kBytesAroundVector);
}

Result<std::vector<float>> read_reply(std::string_view body, size_t texts, uint32_t dimension) {
  const Result<Json> reply = parse_json(body);
  if (!reply) return fault("what cannot be read: " + reply.error().message);
  if (!reply->is_object()) return fault("JSON that is no object");
  return read_vectors(*reply, texts, dimension);
}

std::string read_failure(int status, std::string_view body) {
  const Json reply = parse_json(body).value_or(Json());
  std::string reason;
  if (reply.is_object() && reply.contains("error") && reply["error"].is_object()) {
    const Json& message = reply["error"].value("message", Json());
    if (message.is_string()) reason = message.get<std::string>();
  }
  if (reason.empty()) return fmt::format("HTTP {}", status);
  return fmt::format("HTTP {}: {}", status, printable(reason));
}

}  // namespace runed::embed::llama_server
