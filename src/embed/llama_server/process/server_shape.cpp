#include "embed/llama_server/process/server_shape.hpp"

#include <algorithm>

namespace runed::embed::llama_server {
namespace {

constexpr uint32_t kLeastContext = 2048;
constexpr uint32_t kContextStep = 256;  // llama.cpp rounds its caches up to it.

// Of 32 values. Source: ggml, block_q8_0.
constexpr uint64_t kBytesOfQ8Block = 34;
constexpr uint64_t kBytesOfF16Block = 64;

uint32_t round_up(uint32_t tokens) {
  return (tokens + kContextStep - 1) / kContextStep * kContextStep;
}

ServerShape base_shape(const ServerFeatures& features, Profile profile) {
  // The predecessor's: one text at a time.
  if (profile == Profile::lowmem) {
    return {.ubatch = 256, .slots = 1, .request_tokens = 256, .batch_tokens = 256};
  }
  // A GPU wants much work at a time, and the next request to be there when one is done.
  if (features.has_gpu) {
    return {.ubatch = 2048, .slots = 64, .request_tokens = 2048, .batch_tokens = 4096};
  }
  // A CPU is no faster with more than 512, only later with its answers.
  return {.ubatch = 512, .slots = 32, .request_tokens = 512, .batch_tokens = 512};
}

}  // namespace

const char* name_of(Profile profile) {
  return profile == Profile::speed ? "speed" : "lowmem";
}

// A text must leave one token of the context free (b11669 refuses one that fills it).
ServerShape fit_shape(const ModelDescription& model, const ServerFeatures& features,
                      Profile profile, const Demand& demand) {
  ServerShape shape = base_shape(features, profile);
  const uint32_t usual = std::min(kLeastContext, model.context + 1);
  shape.context = round_up(std::max({usual, demand.longest_text + 1, shape.batch_tokens}));
  if (demand.computes_whole) shape.ubatch = shape.context;
  if (!features.has("--kv-unified")) shape.slots = 1;  // They would share the context out.
  return shape;
}

uint64_t cache_bytes(const ModelDescription& model, const ServerShape& shape, Profile profile) {
  const uint64_t bytes = model.cell_bytes * shape.context;
  return profile == Profile::lowmem ? bytes * kBytesOfQ8Block / kBytesOfF16Block : bytes;
}

uint32_t fit_batch_tokens(const ServerFeatures& features, Profile profile) {
  return base_shape(features, profile).batch_tokens;
}

std::vector<std::string> make_arguments(const ServerCommand& command, const ModelDescription& model,
                                        const ServerFeatures& features, const ServerShape& shape,
                                        const Endpoint& endpoint) {
  std::vector<std::string> arguments{command.executable, "--model", command.model_path,
                                     "--embeddings"};
  const auto add = [&](std::initializer_list<std::string> words) {
    arguments.insert(arguments.end(), words);
  };
  // What older builds do not know, and can be left out.
  const auto add_known = [&](std::initializer_list<std::string> words) {
    if (features.has(*words.begin())) add(words);
  };
  // Also where the file says so: it is what Info tells.
  add({"--pooling", std::string(name_of(model.spec.pooling.value))});
  add({"--ctx-size", std::to_string(shape.context)});
  add({"--batch-size", std::to_string(shape.ubatch)});
  add({"--ubatch-size", std::to_string(shape.ubatch)});
  add({"--parallel", std::to_string(shape.slots)});
  // Otherwise each slot gets its share of the context, and a text must fit into that.
  add_known({"--kv-unified"});
  // A server caps the context at what the model was trained with, and then refuses a text that has
  // just that many tokens.
  if (shape.context > model.context && model.has_free_context()) {
    add({"--override-kv",
         fmt::format("{}=int:{}", model.spec.key("context_length"), shape.context)});
  }
  add({"--threads", std::to_string(command.threads)});
  // A vector must depend on its text alone, not on what the slot held before.
  add_known({"--no-cache-prompt"});
  // Up to 8 GiB of old prompts that nobody asks for again.
  add_known({"--cache-ram", "0"});
  // The first embedding, which is checked, warms it up.
  add_known({"--no-warmup"});
  if (command.profile == Profile::lowmem) {
    add_known({"--no-repack"});
    add({"--cache-type-k", "q8_0", "--cache-type-v", "q8_0"});
  }
  // Builds without --fit leave a GPU alone unless they are told how many layers it gets: all.
  if (features.has_gpu && !features.has("--fit")) add_known({"--n-gpu-layers", "999"});
  // Pages and endpoints for people; the latter show texts.
  add_known({features.has("--no-ui") ? "--no-ui" : "--no-webui"});
  add_known({"--no-slots"});
  add_known({"--offline"});
  // Two requests, the health probe and a tokenisation at a time.
  add_known({"--threads-http", "4"});
  // Warnings: the four lines a text of the default would be all there is in the log.
  if (features.has_log_levels) add({"--log-verbosity", "2"});
  if (endpoint.socket_path.empty()) {
    add({"--host", "127.0.0.1", "--port", "0"});
  } else {
    add({"--host", endpoint.socket_path});
  }
  return arguments;
}

}  // namespace runed::embed::llama_server
