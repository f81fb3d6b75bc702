#pragma once

#include "base/result.hpp"
#include "bootstrap/config/settings.hpp"
#include "client/client.hpp"
#include "cmd/line/location.hpp"
#include "cmd/line/progress.hpp"
#include "cmd/services.hpp"

namespace runed::cmd {

/// What a command asks of a daemon, which it starts where there is none. Borrows all of it.
struct ModelRequest {
  const Location& location;
  const bootstrap::SettingFlags& settings;  // What the command names: the model.
  double timeout_seconds;                   // Without progress.
  Services& services;
};

/// Connects to the daemon, and tells on `progress` what that waits for.
/// Errors: those of Client::connect.
Result<client::Client> connect(const ModelRequest& request, Progress& progress);

/// Waits until the daemon can serve, has it load the model that is named, and tells what is other than
/// what is named. Returns what the daemon and the model are.
/// Errors: those of the client; other_settings.
Result<client::InfoReport> prepare_model(const ModelRequest& request, client::Client& client,
                                         Progress& progress);

/// Says of an error what the daemon cannot know: how a model is installed, or why there is no daemon.
Error explain(Error error, const ModelRequest& request);

}  // namespace runed::cmd
