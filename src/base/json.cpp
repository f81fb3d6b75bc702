#include "base/json.hpp"

#include <sstream>
#include <unordered_set>
#include <vector>

#include "base/text.hpp"

namespace runed {
namespace {

// About a second's, or 14,000 keys in one object: more than any document of ours or of others has.
constexpr size_t kMostComparisons = 100'000'000;

// The same document, every text of it in UTF-8.
Json escaped(const Json& json) {
  if (json.is_string()) return escape_invalid_utf8(json.get_ref<const std::string&>());
  if (!json.is_structured()) return json;
  Json copy = json.is_array() ? Json::array() : Json::object();
  for (const auto& [key, value] : json.items()) {
    if (json.is_array()) {
      copy.push_back(escaped(value));
    } else {
      copy[escape_invalid_utf8(key)] = escaped(value);
    }
  }
  return copy;
}

std::string dump(const Json& json, int indent) {
  constexpr auto kStrict = Json::error_handler_t::strict;
  try {
    return json.dump(indent, ' ', false, kStrict);
  } catch (const Json::type_error&) {  // A text is not UTF-8.
    return escaped(json).dump(indent, ' ', false, kStrict);
  }
}

// Builds a document as it reads it. What nlohmann would build it also copies, compares and writes by
// recursion, and its own builder looks for each new key among all that an object has. Its parser
// callback, which is told the depth too, cannot be used: with it each object that ends costs a look at
// all before it.
class Reader final : public nlohmann::json_sax<Json> {
 public:
  explicit Reader(KeyLimit limit) : limit_(limit) {}

  /// What is wrong; empty if it is only no JSON.
  const std::string& why() const { return why_; }
  /// Where, if nlohmann has told it.
  std::optional<size_t> byte() const { return byte_; }
  Json take() { return std::move(document_); }

  bool null() override { return put(nullptr) != nullptr; }
  bool boolean(bool value) override { return put(value) != nullptr; }
  bool number_integer(number_integer_t value) override { return put(value) != nullptr; }
  bool number_unsigned(number_unsigned_t value) override { return put(value) != nullptr; }
  bool number_float(number_float_t value, const string_t& /*text*/) override {
    return put(value) != nullptr;
  }
  bool string(string_t& value) override { return put(std::move(value)) != nullptr; }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_array(size_t /*size*/) override { return start(Json::array()); }
  bool end_array() override { return end(); }
  bool start_object(size_t /*size*/) override { return start(Json::object()); }
  bool end_object() override { return end(); }

  bool key(string_t& key) override {
    Keys& keys = levels_.back().keys;
    comparisons_ += keys.size();
    if (limit_ == KeyLimit::few && comparisons_ > kMostComparisons) return refuse("too many keys");
    if (!keys.insert(key).second) {
      return refuse(fmt::format("the key '{}' is there twice", printable(key)));
    }
    key_ = std::move(key);
    return true;
  }

  bool parse_error(size_t byte, const std::string& /*token*/,
                   const nlohmann::detail::exception& fault) override {
    byte_ = byte;
    // 1e999: well-formed, but no double.
    if (dynamic_cast<const Json::out_of_range*>(&fault) != nullptr) {
      why_ = "a number is out of range";
    }
    return false;
  }

 private:
  using Keys = std::unordered_set<std::string>;
  struct Level {
    Json* json = nullptr;
    Keys keys;  // Those seen so far of an object.
  };

  // Puts a value where it belongs. It stays there while nothing is put beside it.
  Json* put(Json value) {
    if (levels_.empty()) return &(document_ = std::move(value));
    Json& parent = *levels_.back().json;
    if (auto* array = parent.get_ptr<Json::array_t*>()) {
      return &array->emplace_back(std::move(value));
    }
    // The base has no look for the key, which is known to be new.
    Json::object_t::Container& members = *parent.get_ptr<Json::object_t*>();
    return &members.emplace_back(std::move(key_), std::move(value)).second;
  }

  bool start(Json empty) {
    if (levels_.size() == kMostJsonLevels) {
      return refuse(fmt::format("nested deeper than {} levels", kMostJsonLevels));
    }
    levels_.push_back({put(std::move(empty)), {}});
    return true;
  }

  bool end() {
    levels_.pop_back();
    return true;
  }

  bool refuse(std::string why) {
    why_ = std::move(why);
    return false;
  }

  const KeyLimit limit_;
  Json document_;
  std::vector<Level> levels_;  // That are open.
  std::string key_;            // Of the value that comes next, in an object.
  size_t comparisons_ = 0;     // That a look for each key among those before it would make.
  std::string why_;
  std::optional<size_t> byte_;
};

// Reads again up to what Reader itself refuses: only a stream tells how far it was read.
size_t byte_of_fault(std::string_view text, KeyLimit limit) {
  std::istringstream stream{std::string(text)};
  Reader reader(limit);
  Json::sax_parse(stream, &reader);
  return static_cast<size_t>(stream.tellg());
}

}  // namespace

Result<Json> parse_json(std::string_view text, KeyLimit limit) {
  Reader reader(limit);
  if (Json::sax_parse(text, &reader)) return reader.take();
  const std::string& why = reader.why();
  return make_error(ErrorCode::bad_input, "invalid JSON at byte {}{}{}",
                    reader.byte().value_or(byte_of_fault(text, limit)), why.empty() ? "" : ": ",
                    why);
}

std::string to_line(const Json& json) {
  return dump(json, -1);
}

std::string to_lines(const Json& json) {
  return dump(json, 2);
}

}  // namespace runed
