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

// Reads a document without building it. What nlohmann parses it also copies, compares and writes by
// recursion, and it looks for each new key among all that an object has. Its parser callback, which
// is told the depth too, cannot be used: with it each object that ends costs a look at all before it.
class Check final : public nlohmann::json_sax<Json> {
 public:
  /// What is wrong; empty if it is only no JSON.
  const std::string& why() const { return why_; }
  /// Where, if nlohmann has told it.
  std::optional<size_t> byte() const { return byte_; }

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool start_array(size_t /*size*/) override { return start(); }
  bool end_array() override { return end(); }
  bool start_object(size_t /*size*/) override { return start(); }
  bool end_object() override { return end(); }

  bool key(string_t& key) override {
    Keys& keys = levels_.back();
    comparisons_ += keys.size();
    if (comparisons_ > kMostComparisons) return refuse("too many keys");
    if (keys.insert(key).second) return true;
    return refuse(fmt::format("the key '{}' is there twice", printable(key)));
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

  bool start() {
    levels_.emplace_back();
    return levels_.size() <= kMostJsonLevels ||
           refuse(fmt::format("nested deeper than {} levels", kMostJsonLevels));
  }

  bool end() {
    levels_.pop_back();
    return true;
  }

  bool refuse(std::string why) {
    why_ = std::move(why);
    return false;
  }

  std::vector<Keys> levels_;  // That are open, with the keys seen so far of those that are objects.
  size_t comparisons_ = 0;    // That nlohmann would make.
  std::string why_;
  std::optional<size_t> byte_;
};

// Reads again up to what Check itself refuses: only a stream tells how far it was read.
size_t byte_of_fault(std::string_view text) {
  std::istringstream stream{std::string(text)};
  Check check;
  Json::sax_parse(stream, &check);
  return static_cast<size_t>(stream.tellg());
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  Check check;
  if (Json::sax_parse(text, &check)) return Json::parse(text);
  const std::string& why = check.why();
  return make_error(ErrorCode::bad_input, "invalid JSON at byte {}{}{}",
                    check.byte().value_or(byte_of_fault(text)), why.empty() ? "" : ": ", why);
}

std::string to_line(const Json& json) {
  return dump(json, -1);
}

std::string to_lines(const Json& json) {
  return dump(json, 2);
}

}  // namespace runed
