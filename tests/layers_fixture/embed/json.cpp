#include "base/json.hpp"

Json read(std::string_view reply) {
  return Json::parse(reply, nullptr, false);
}
