#pragma once

namespace runed::cmd {

/// The release, as it is tagged.
inline constexpr const char* kVersion = "v" RUNED_VERSION;

}  // namespace runed::cmd
