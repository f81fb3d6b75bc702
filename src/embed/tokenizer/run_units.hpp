#pragma once

#include <cstddef>
#include <functional>

namespace runed::embed {

/// Calls work(unit) once for each unit below `units`, on as many threads as whoever gave it has, and
/// returns when all calls have.
/// Needs: work that does not throw.
using RunUnits = std::function<void(size_t units, const std::function<void(size_t unit)>& work)>;

}  // namespace runed::embed
