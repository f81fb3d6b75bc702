#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "bootstrap/config/environment.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/config/settings.hpp"
#include "bootstrap/fetch/download_policy.hpp"
#include "bootstrap/fetch/watch.hpp"
#include "bootstrap/install/install.hpp"

namespace runed::bootstrap {

/// Says who named a llama-server, and which: `RUNED_LLAMA_SERVER names '/opt/llama-server'`. Empty
/// if nobody did.
std::optional<std::string> describe_named_llama_server(const Settings& settings);

/// Finds the llama-server to run, as an absolute path, without the network: the one that is named,
/// where a name without `/` is looked up on PATH, else the one in bin/llama-cpp, which must be as it
/// was unpacked.
/// Errors: bad_config if the one that is named cannot be run; not_found if none is named and none is
///         installed; integrity if the installed one was changed since; cancelled.
Result<std::string> check_llama_server(const Paths& paths, const Settings& settings,
                                       const Environment& environment, const Watch& watch);

/// Refuses what ensure_llama_server would refuse, as far as that is known without the network.
/// Errors: bad_config if the one that is named cannot be run, or the manifest has none for this
///         machine and none is installed.
Status check_llama_server_source(const Paths& paths, const Settings& settings,
                                 const Environment& environment);

/// As check_llama_server, but where none is named, one that is missing or damaged is installed.
/// Errors: bad_config if the manifest has none for this machine; those of load_manifest and install.
Result<std::string> ensure_llama_server(const Paths& paths, const Settings& settings,
                                        const Environment& environment,
                                        const DownloadPolicy& policy, const Clock& clock,
                                        const InstallHooks& hooks);

}  // namespace runed::bootstrap
