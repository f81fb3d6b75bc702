#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "embed/llama_server/process/model_description.hpp"
#include "embed/llama_server/process/server_features.hpp"

namespace runed::embed::llama_server {

/// What a llama-server is tuned for: speed, or the least memory (the predecessor's flags).
enum class Profile { speed, lowmem };

/// Returns `speed` or `lowmem`.
const char* name_of(Profile profile);

/// How much a llama-server takes at once. All of it costs memory from its start on.
struct ServerShape {
  uint32_t context = 0;         // Tokens of its KV cache, for all texts that it has at a time.
  uint32_t ubatch = 0;          // Tokens that it computes at a time.
  uint32_t slots = 0;           // Texts that it computes at a time.
  uint32_t request_tokens = 0;  // That one request carries at most, if it has several texts.
  uint32_t batch_tokens = 0;    // Of one pass: as many as may be in flight.
};

/// What a server is to have room for.
struct Demand {
  uint32_t longest_text = 0;  // Tokens.
  bool computes_whole =
      false;  // Whether this build must compute a text at a time: older ones cannot
              // go on with a text that is longer than the ubatch.
};

/// Fits the shape to the model, the build and the demand.
ServerShape fit_shape(const ModelDescription& model, const ServerFeatures& features,
                      Profile profile, const Demand& demand);

/// Returns the bytes of the KV cache.
uint64_t cache_bytes(const ModelDescription& model, const ServerShape& shape, Profile profile);

/// Returns ServerShape::batch_tokens, which no model changes.
uint32_t fit_batch_tokens(const ServerFeatures& features, Profile profile);

/// Where a llama-server listens: on a Unix socket or, if it cannot, on a port of its choice on the
/// loopback, where it wants a key.
struct Endpoint {
  std::string socket_path;  // Empty: TCP.
  uint16_t port = 0;        // Of 127.0.0.1; known once it listens.
  std::string api_key;
};

/// What to start, and with what.
struct ServerCommand {
  std::string executable;  // Absolute path.
  std::string model_path;  // Of the GGUF.
  uint64_t model_bytes = 0;
  uint32_t threads = 1;
  Profile profile = Profile::speed;
  std::string socket_path;  // Where it is to listen, if it can.
  std::string log_path;     // Where what it prints goes.
};

/// Returns the command line. ServerFeatures tells which flags a build knows.
std::vector<std::string> make_arguments(const ServerCommand& command, const ModelDescription& model,
                                        const ServerFeatures& features, const ServerShape& shape,
                                        const Endpoint& endpoint);

}  // namespace runed::embed::llama_server
