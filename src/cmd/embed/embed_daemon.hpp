#pragma once

#include "cmd/embed/embed_job.hpp"

namespace runed::cmd {

/// Embeds the input by the daemon, which is started if none runs.
/// Errors: those of client::Client::embed_stream, told of a line or an argument.
Status embed_by_daemon(EmbedJob& job);

}  // namespace runed::cmd
