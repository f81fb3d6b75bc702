// Any bytes as the file of centroids: a set whose every float can be used, or an error. The digest at
// the end is put right for every second reading, or no input would get past it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "base/sha256.hpp"
#include "daemon/route/centroid_file.hpp"

using runed::daemon::CentroidSet;

namespace {

void read(std::string_view bytes) {
  const auto set = runed::daemon::parse_centroid_file(bytes);
  if (!set) {
    CHECK(set.error().code == runed::ErrorCode::integrity);
    return;
  }
  CHECK(set->dim() > 0 && set->count() > 0 && !set->version().empty());
  CHECK(set->floats().size() == size_t{set->count()} * set->dim());
  CHECK(set->assign(std::vector<float>(set->dim(), 1)) < set->count());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  read(bytes);
  read(bytes + runed::sha256_hex(bytes));
  return 0;
}
