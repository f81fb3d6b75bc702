#pragma once

#include <array>
#include <string_view>

namespace runed::bootstrap {

/// Returns the manifest in the executable: manifest/manifest.json of the source tree.
std::string_view builtin_manifest();

/// One licence text in the executable.
struct License {
  std::string_view name;  // Path below licenses/.
  std::string_view text;
};

/// Returns the licences of runed and of what it fetches.
std::array<License, 7> builtin_licenses();

}  // namespace runed::bootstrap
