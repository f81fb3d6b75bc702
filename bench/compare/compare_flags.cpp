#include <fmt/format.h>

#include <sstream>

#include "compare_server.hpp"
#include "embed/llama_server/process/server_shape.hpp"

namespace runed::bench {
namespace {

using Flags = std::vector<std::string>;

// Of all texts that are under way in a request, and of a long one.
constexpr const char* kContext = "4096";

// Those of make_arguments but for the executable, the model and where to listen.
Flags flags_of_runed(const ServerSetting& setting) {
  namespace llama = embed::llama_server;
  const llama::ServerShape shape =
      llama::fit_shape(setting.model, setting.features, llama::Profile::speed, {});
  const Flags all = llama::make_arguments({.executable = setting.executable,
                                           .model_path = setting.model_path,
                                           .threads = setting.threads,
                                           .profile = llama::Profile::speed,
                                           .socket_path = "x",
                                           .log_path = {}},
                                          setting.model, setting.features, shape,
                                          {.socket_path = "x", .port = 0, .api_key = {}});
  return {all.begin() + 3, all.end() - 2};
}

Flags joined(Flags flags, const Flags& more) {
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

}  // namespace

std::vector<FlagSet> make_flag_sets(const ServerSetting& setting) {
  // Every one of them forgets old prompts: nobody asks for one again, and the memory is not
  // endless.
  const std::string pooling{name_of(setting.model.spec.pooling.value)};
  const Flags common{"--embeddings",
                     "--pooling",
                     pooling,
                     "--ctx-size",
                     kContext,
                     "--cache-ram",
                     "0",
                     "--no-cache-prompt",
                     "--threads",
                     std::to_string(setting.threads)};
  const Flags one = joined(common, {"--parallel", "1"});
  const Flags many = joined(common, {"--parallel", "32", "--kv-unified"});
  std::vector<FlagSet> sets{
      {"defaults", {"--embeddings", "--pooling", pooling}},
      // Source: predecessor.md, B-130.
      {"predecessor",
       {"--embeddings", "--pooling", pooling, "--ctx-size", kContext, "--cache-ram", "0",
        "--no-repack", "--parallel", "1", "--batch-size", "256", "--ubatch-size", "256",
        "--cache-type-k", "q8_0", "--cache-type-v", "q8_0"}},
      {"runed's child", flags_of_runed(setting)},
      {"one slot", one},
      {"one slot no-repack", joined(one, {"--no-repack"})},
      {"32 slots", many},
      {"32 slots ub 2048", joined(many, {"--batch-size", "2048", "--ubatch-size", "2048"})},
      {"32 slots fa on", joined(many, {"--flash-attn", "on"})},
      {"32 slots fa off", joined(many, {"--flash-attn", "off"})},
      {"32 slots poll 100", joined(many, {"--poll", "100", "--poll-batch", "1"})},
  };
  // It served models of the last token only; an encoder has no room in its batch for a longer text.
  if (setting.model.spec.pooling.value != embed::Pooling::last) {
    std::erase_if(sets, [](const FlagSet& set) { return set.name == "predecessor"; });
  }
  return sets;
}

Result<FlagSet> parse_flag_set(const std::string& text) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0) {
    return make_error(ErrorCode::invalid_argument, "'{}' is not 'NAME: FLAGS'", text);
  }
  FlagSet set{.name = text.substr(0, colon), .flags = {}};
  std::istringstream words(text.substr(colon + 1));
  for (std::string word; words >> word;) set.flags.push_back(word);
  return set;
}

}  // namespace runed::bench
