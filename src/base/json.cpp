#include "base/json.hpp"

#include "base/text.hpp"

namespace runed {
namespace {

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

}  // namespace

Result<Json> parse_json(std::string_view text) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& fault) {
    return make_error(ErrorCode::bad_input, "invalid JSON at byte {}", fault.byte);
  } catch (const Json::out_of_range&) {
    // 1e999: well-formed, but no double.
    return make_error(ErrorCode::bad_input, "invalid JSON: a number is out of range");
  }
}

std::string to_line(const Json& json) {
  return dump(json, -1);
}

std::string to_lines(const Json& json) {
  return dump(json, 2);
}

}  // namespace runed
