#pragma once

#include "bootstrap/use/ready_model.hpp"
#include "cmd/embed/embed_job.hpp"

namespace runed::cmd {

/// Finds the model for a command that computes by itself, and checks it.
Result<bootstrap::ReadyModel> local_model(const Location& location);

/// Embeds the input in this process, without a daemon. Nothing is fetched for it.
Status embed_direct(EmbedJob& job);

/// Prints the token ids of the input. Needs only a vocabulary.
Status tokenize_input(EmbedJob& job);

}  // namespace runed::cmd
