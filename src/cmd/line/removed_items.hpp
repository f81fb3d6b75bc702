#pragma once

#include <vector>

#include "bootstrap/install/gc.hpp"
#include "cmd/services.hpp"

namespace runed::cmd {

struct RemovedFormat {
  bool is_plan = false;  // Nothing was removed.
  bool as_json = false;
};

/// Prints what was removed, or would be: a line each with its size and then the sum, or one JSON document.
void print_removed(const std::vector<bootstrap::GcItem>& items, RemovedFormat format,
                   const Services& services);

}  // namespace runed::cmd
