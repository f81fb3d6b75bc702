#pragma once

#include <nlohmann/json_fwd.hpp>

namespace runed {

/// JSON whose objects keep the order in which their keys were set. Whatever only passes it on
/// includes this: base/json.hpp takes three times as long to compile.
using Json = nlohmann::ordered_json;

}  // namespace runed
