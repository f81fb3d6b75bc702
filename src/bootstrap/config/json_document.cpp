#include "bootstrap/config/json_document.hpp"

#include <utility>

#include "base/json.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {

std::string describe_type(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "an array";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::boolean:
      return "a boolean";
    default:
      return "a number";
  }
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string to_document(const Json& json) {
  return to_lines(json) + "\n";
}

Result<std::string> read_document(const std::string& path, size_t max_bytes,
                                  const std::string& hint) {
  auto text = os::read_file(path, max_bytes);
  if (text || text.error().code != ErrorCode::bad_input) return text;
  text.error().code = ErrorCode::bad_config;
  return std::move(text).error().with_hint(hint);
}

Result<Json> parse_document(std::string_view text, const std::string& name, int version) {
  auto document = parse_json(text);
  if (!document) return bad_document(name, document.error().message);
  if (!document->is_object()) {
    return bad_document(name, "expected an object, found " + describe_type(*document));
  }
  const auto found = document->find("version");
  if (found != document->end() && *found != version) {
    return bad_document(name,
                        fmt::format("version: expected {}, found {}", version,
                                    found->is_number() ? to_line(*found) : describe_type(*found)));
  }
  return document;
}

Error bad_document(const std::string& name, std::string_view why) {
  return make_error(ErrorCode::bad_config, "cannot use '{}': {}", name, why);
}

}  // namespace runed::bootstrap
