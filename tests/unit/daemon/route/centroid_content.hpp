#pragma once

#include "daemon/route/centroid_set.hpp"
#include "support/random_floats.hpp"
#include "support/result_matchers.hpp"

namespace runed::test {

/// Returns the content of a set that is valid: its version is its digest.
inline daemon::CentroidContent make_content(uint32_t count, uint32_t dim,
                                            const std::string& preset = "IP1") {
  daemon::CentroidContent content{.version = {},
                                  .preset = preset,
                                  .dim = dim,
                                  .count = count,
                                  .floats = random_floats(size_t{count} * dim),
                                  .ragged = {}};
  content.version = daemon::centroid_version(content);
  return content;
}

inline daemon::CentroidSet make_set(daemon::CentroidContent content) {
  return unwrap(daemon::CentroidSet::make(std::move(content), std::nullopt));
}

}  // namespace runed::test
