#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

namespace runed::test {

/// Reads a file of the tests' as JSON.
inline Json read_json(const std::string& path) {
  return unwrap(parse_json(read_text(path), KeyLimit::none));
}

/// Returns the path of a tiny model, as Hugging Face's directory (tests/data/README.md).
inline std::string tiny_path(const std::string& name) {
  return std::string(RUNED_TEST_DATA).append("/tiny/").append(name);
}

/// Turns little-endian floats in base64 into a vector.
inline std::vector<float> decode_floats(const Json& encoded) {
  const std::string bytes = decode_base64(encoded.get<std::string>()).value_or("");
  std::vector<float> floats(bytes.size() / sizeof(float));
  std::memcpy(floats.data(), bytes.data(), floats.size() * sizeof(float));
  return floats;
}

/// What transformers makes of the texts of a tiny model, in float32.
struct TinyReference {
  explicit TinyReference(const std::string& name) {
    const Json json = read_json(tiny_path(name) + "/reference.json");
    max_tokens = json["max_tokens"].get<uint32_t>();
    texts = json["texts"].get<std::vector<std::string>>();
    ids = json["ids"].get<std::vector<std::vector<uint32_t>>>();
    for (const Json& vector : json["vectors"]) vectors.push_back(decode_floats(vector));
  }

  uint32_t max_tokens = 0;
  std::vector<std::string> texts;
  std::vector<std::vector<uint32_t>> ids;
  std::vector<std::vector<float>> vectors;
};

/// The same of the pairs of a tiny reranker: their raw scores.
struct TinyPairs {
  explicit TinyPairs(const std::string& name) {
    const Json json = read_json(tiny_path(name) + "/reference.json");
    max_tokens = json["max_tokens"].get<uint32_t>();
    for (const Json& pair : json["pairs"]) {
      pairs.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
    }
    ids = json["ids"].get<std::vector<std::vector<uint32_t>>>();
    scores = json["scores"].get<std::vector<double>>();
    if (!json.contains("types")) return;
    for (const Json& types : json["types"]) {
      const auto each = types.get<std::vector<uint32_t>>();
      seconds.push_back(
          static_cast<uint32_t>(std::find(each.begin(), each.end(), 1U) - each.begin()));
    }
  }

  uint32_t max_tokens = 0;
  std::vector<std::pair<std::string, std::string>> pairs;
  std::vector<std::vector<uint32_t>> ids;
  std::vector<uint32_t> seconds;  // Where segment 1 begins; empty: there is none.
  std::vector<double> scores;
};

/// Returns 1 - the cosine of two vectors of any length.
inline double distance(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double product = 0;
  double of_a = 0;
  double of_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    of_a += static_cast<double>(a[i]) * static_cast<double>(a[i]);
    of_b += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  return 1 - product / std::sqrt(of_a * of_b);
}

}  // namespace runed::test
