#include "support/real_models.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/json.hpp"
#include "base/sha256.hpp"
#include "support/left_out.hpp"
#include "support/read_file.hpp"
#include "support/result_matchers.hpp"

namespace runed::test {
namespace {

constexpr const char* kDirectory = "RUNED_TEST_MODELS";
constexpr const char* kSkip = "RUNED_SKIP_TEST_MODELS";
constexpr std::array<std::string_view, 4> kNames{"all-MiniLM-L6-v2", "bge-small-en-v1.5",
                                                 "bge-small-zh-v1.5", "e5-small-v2"};

static_assert(std::endian::native == std::endian::little);

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

Json read_json(const std::string& path) {
  const auto bytes = read_file(path);
  return unwrap(parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
}

// What get-test-models wrote in place of a model; empty: it was not asked.
std::string why_left_out(const std::string& model_path) {
  std::ifstream file(model_path + ".left_out");
  std::string why;
  std::getline(file, why);
  return why;
}

uint8_t value_of_base64(char letter) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const size_t value = kLetters.find(letter);
  if (value == std::string_view::npos) FAIL("no base64: '" << letter << "'");
  return static_cast<uint8_t>(value);
}

std::vector<float> floats_of_base64(std::string_view text) {
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char letter : text.substr(0, text.find('='))) {
    bits = bits << 6 | value_of_base64(letter);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count & 0xFF));
  }
  std::vector<float> floats(bytes.size() / sizeof(float));
  std::memcpy(floats.data(), bytes.data(), floats.size() * sizeof(float));
  return floats;
}

// What is on this machine; nothing: it is to do without, and the test has left itself out.
std::optional<RealModelSearch> search_here() {
  if (variable(kSkip) == "1") {
    leave_out(std::string(kSkip) + "=1");
    return std::nullopt;
  }
  const std::string root = variable(kDirectory);
  if (root.empty()) FAIL(kDirectory << " is not set; the test presets name it");
  RealModelSearch search = search_real_models(root);
  if (!search.unknown.empty()) {
    FAIL("no model " << search.unknown.front() << " in '" << root
                     << "'; scripts/get-test-models fetches it, and " << kSkip
                     << "=1 leaves out the tests that need it");
  }
  return search;
}

}  // namespace

std::span<const std::string_view> real_model_names() {
  return kNames;
}

RealModelSearch search_real_models(const std::string& directory) {
  RealModelSearch search;
  for (const std::string_view name : kNames) {
    const std::string path = fmt::format("{}/{}", directory, name);
    if (std::filesystem::exists(path + ".sha256")) {  // Written last.
      search.found.push_back({.name = std::string(name), .directory = path});
    } else if (const std::string why = why_left_out(path); !why.empty()) {
      search.missing.push_back(fmt::format("model {} ({})", name, why));
    } else {
      search.unknown.emplace_back(name);
    }
  }
  return search;
}

std::vector<RealModel> real_models() {
  const auto search = search_here();
  if (!search.has_value()) return {};
  if (search->found.empty()) {
    leave_out(fmt::format("this machine has no {}", fmt::join(search->missing, ", ")));
  } else {
    for (const std::string& each : search->missing) say_lacking(each);
  }
  return search->found;
}

std::optional<RealModel> real_model(std::string_view name) {
  const auto search = search_here();
  if (!search.has_value()) return std::nullopt;
  const auto found = std::ranges::find(search->found, name, &RealModel::name);
  if (found != search->found.end()) return *found;
  leave_out(fmt::format("this machine has no model {}", name));
  return std::nullopt;
}

std::optional<std::string> real_tokenizer(std::string_view name) {
  if (variable(kSkip) == "1") {
    leave_out(std::string(kSkip) + "=1");
    return std::nullopt;
  }
  const std::string root = variable(kDirectory);
  if (root.empty()) FAIL(kDirectory << " is not set; the test presets name it");
  std::string path = fmt::format("{}/{}", root, name);
  if (const std::string why = why_left_out(path); !why.empty()) {
    leave_out(fmt::format("this machine has no {} ({})", name, why));
    return std::nullopt;
  }
  path += "/tokenizer.json";
  if (!std::filesystem::exists(path)) {
    FAIL("no " << path << "; scripts/get-test-models fetches it, and " << kSkip
               << "=1 leaves out the tests that need it");
  }
  return path;
}

RealModelReference read_real_reference(std::string_view name) {
  const Json json = read_json(fmt::format("{}/real/{}.json", RUNED_TEST_DATA, name));
  const Json& config = json["config"];
  const Json& prompts = config["prompts"];
  RealModelReference reference{
      .width = config["hidden"],
      .max_tokens = config["max_tokens"],
      .pooling = config["pooling"],
      .query_prompt = prompts.value("query", ""),
      .document_prompt = prompts.value("document", ""),
      .id_digests = json["ids"].get<std::vector<std::string>>(),
      .first_ids = json["first_ids"].get<std::vector<std::vector<uint32_t>>>(),
      .vectors = {},
  };
  for (const Json& each : json["vectors"]) {
    reference.vectors.push_back(
        {.text = each[0],
         .tokens = each[1],
         .vector = floats_of_base64(each[2].get_ref<const std::string&>())});
  }
  return reference;
}

const std::vector<std::string>& unicode_texts() {
  static const auto texts = read_json(RUNED_TEST_DATA_UNPACKED "/unicode_texts.json")["texts"]
                                .get<std::vector<std::string>>();
  return texts;
}

std::string digest_of(std::span<const uint32_t> ids) {
  return fmt::format("{}:{}", ids.size(), sha256_hex(std::as_bytes(ids)).substr(0, 12));
}

}  // namespace runed::test
