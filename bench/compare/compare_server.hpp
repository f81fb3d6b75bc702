#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compare_contender.hpp"
#include "embed/llama_server/process/model_description.hpp"
#include "embed/llama_server/process/server_features.hpp"

namespace runed::bench {

/// A set of flags to start llama-server with.
struct FlagSet {
  std::string name;
  std::vector<std::string> flags;  // Without those for the model and the socket.
};

/// What llama-servers are started from.
struct ServerSetting {
  std::string executable;
  embed::llama_server::ServerFeatures features;
  std::string model_path;
  embed::llama_server::ModelDescription model;
  std::string directory;  // For sockets and logs.
  unsigned threads = 1;
};

/// Lists the sets that are compared: what llama-server does by itself, what the predecessor asked
/// for, what runed asks for, and those among which the fastest is to be found.
std::vector<FlagSet> make_flag_sets(const ServerSetting& setting);

/// Reads `NAME: FLAG FLAG ...`.
/// Errors: invalid_argument without a name.
Result<FlagSet> parse_flag_set(const std::string& text);

/// Starts a llama-server and waits until it is ready; stopped (SIGSTOP) but for its turns, so that
/// no thread of it can take anything from whoever's turn it is. Dies with the calling thread.
/// Errors: those of ServerProcess; deadline_exceeded.
Result<std::unique_ptr<Contender>> start_server(const ServerSetting& setting, const FlagSet& set);

}  // namespace runed::bench
