#include "base/json.hpp"

namespace runed {

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
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace runed
