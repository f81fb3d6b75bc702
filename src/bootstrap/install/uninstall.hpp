#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/config/settings.hpp"
#include "bootstrap/install/gc.hpp"

namespace runed::bootstrap {

/// An installed variant that is to go.
struct Uninstall {
  GcItem item;                        // For `collect`.
  bool is_default = false;            // It is what installed.json has for where none is named.
  std::vector<std::string> named_by;  // What names it all the same: `model_variant in config.json`.
};

/// Finds the installed variant of this name, in full or by its last part. Its file may be gone already.
/// `running_variant` is that of the daemon; empty: none runs.
/// Errors: usage for a model in the executable, or a name that could be any of several; model_missing
///         for one that is not installed, or whose file was put into models/ by hand; other_settings for
///         one that the daemon serves or a process has open; those of installed.json; io.
Result<Uninstall> plan_uninstall(const Paths& paths, const Settings& settings,
                                 const std::string& name, const std::string& running_variant);

/// Says which model is served where none is named: `it is m.small`, `the daemon fetches m.small`, or why
/// there is none.
std::string describe_default(const Paths& paths, const Settings& settings);

}  // namespace runed::bootstrap
