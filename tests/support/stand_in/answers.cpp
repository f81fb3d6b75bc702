#include "support/stand_in/answers.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <span>

namespace runed::test {
namespace {

constexpr uint32_t kEndOfText = 256;

// Source: RFC 4648, section 4.
std::string base64(std::span<const unsigned char> bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? bytes[i + k] : 0U);
    for (size_t k = 0; k < 4; ++k) {
      text += k <= count ? kDigits[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

bool is_id(const Json& value) {
  return value.is_number_unsigned();
}

std::optional<Ids> text_of(const Json& text) {
  if (text.is_string()) return ids_of(text.get<std::string>());
  if (!text.is_array() || text.empty() || !std::ranges::all_of(text, is_id)) return std::nullopt;
  return text.get<Ids>();
}

}  // namespace

Ids ids_of(std::string_view text) {
  Ids ids;
  for (const unsigned char byte : text) ids.push_back(byte);
  ids.push_back(kEndOfText);
  return ids;
}

std::optional<std::vector<Ids>> texts_of(const Json& input) {
  if (const auto one = text_of(input)) return std::vector<Ids>{*one};
  if (!input.is_array() || input.empty()) return std::nullopt;
  std::vector<Ids> texts;
  for (const Json& entry : input) {
    auto text = text_of(entry);
    if (!text.has_value()) return std::nullopt;
    texts.push_back(std::move(*text));
  }
  return texts;
}

std::vector<float> vector_of(const Ids& ids, size_t dimension) {
  std::seed_seq seed(ids.begin(), ids.end());
  std::mt19937 random(seed);
  std::vector<float> vector(dimension);
  double squares = 0;
  for (float& value : vector) {
    value = static_cast<float>(random()) / static_cast<float>(std::mt19937::max()) - 0.5F;
    squares += static_cast<double>(value) * value;
  }
  for (float& value : vector) value = static_cast<float>(value / std::sqrt(squares));
  return vector;
}

std::string embeddings_body(const std::vector<std::vector<float>>& vectors, Encoding encoding) {
  Json data = Json::array();
  for (const std::vector<float>& vector : vectors) {
    Json embedding = vector;
    if (encoding == Encoding::base64) {
      std::vector<unsigned char> bytes(vector.size() * sizeof(float));
      if (!bytes.empty()) std::memcpy(bytes.data(), vector.data(), bytes.size());
      embedding = base64(bytes);
    }
    data.push_back(
        {{"embedding", std::move(embedding)}, {"index", data.size()}, {"object", "embedding"}});
  }
  return to_line({{"object", "list"}, {"data", std::move(data)}});
}

std::string error_body(int status, std::string_view message) {
  return to_line({{"error", {{"code", status}, {"message", message}, {"type", "server_error"}}}});
}

}  // namespace runed::test
