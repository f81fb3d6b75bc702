#pragma once

#include <optional>

#include "base/result.hpp"
#include "cmd/install/install_work.hpp"

namespace runed::cmd {

/// Installs the model of one's own that SOURCE names.
/// Errors: usage for what is no source, and a name that config.json gives to another model; those of
///         install_own_model.
Status install_own(InstallWork& work);

/// Finds the model of one's own that --variant names, if no manifest has it and it was installed.
/// Errors: those of keep_own_model.
Result<std::optional<bootstrap::InstallStep>> find_own(InstallWork& work,
                                                       const bootstrap::Manifest& manifest);

}  // namespace runed::cmd
