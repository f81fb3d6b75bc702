#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "runed_process.hpp"
#include "support/gguf_builder.hpp"
#include "support/stand_in.hpp"

namespace runed::test {

/// A home whose daemon computes with a stand-in in some modes, so that a state lasts as long as a
/// test needs it. The vectors are as wide as those of the predecessor's model and mean nothing. The
/// model is a header that says `llama-embed`, with which the native engine has nothing to compare; the
/// stand-in's tokens are bytes, and 256 at the end.
class StandInHome : public Home {
 public:
  static constexpr int kDimension = 1024;
  static constexpr int kMaxTokens = 128;

  /// `change` makes another header of it.
  explicit StandInHome(const std::vector<std::string>& modes = {},
                       const std::function<void(GgufBuilder&)>& change = {}) {
    auto header = GgufBuilder()
                      .set("general.architecture", "llama-embed")
                      .set("llama-embed.context_length", uint32_t{kMaxTokens})
                      .set("llama-embed.embedding_length", uint32_t{kDimension})
                      .set("llama-embed.block_count", uint32_t{1})
                      .set("llama-embed.attention.causal", false)
                      .set("llama-embed.pooling_type", uint32_t{1})
                      .set("tokenizer.ggml.model", "bert");
    if (change) change(header);
    const auto model = header.build();
    write_text(file("model.gguf"), {reinterpret_cast<const char*>(model.data()), model.size()});
    set("RUNED_MODEL", file("model.gguf"));
    set("RUNED_ENGINE", "llama-server");
    use(modes);
    set("RUNED_LLAMA_SERVER", file("llama-server"));
    give_answers();
  }

  /// Holds back what is asked of the stand-in from now on, until its answers are given.
  void hold_answers() const { std::filesystem::remove(file("answers")); }
  void give_answers() const { write_text(file("answers"), ""); }

  /// Changes the modes of the stand-ins that are started from now on.
  void use(std::vector<std::string> modes) {
    modes.push_back("dimension=" + std::to_string(kDimension));
    modes.push_back("waits-for=" + file("answers"));
    write_stand_in(file("llama-server"), modes);
  }
};

}  // namespace runed::test
