#pragma once

#include <string>

#include "base/json.hpp"
#include "base/sha256.hpp"
#include "runed_process.hpp"
#include "support/result_matchers.hpp"

namespace runed::test {

/// A home whose manifest says of the built-in model, by its digest, what is true of another one:
/// that queries and documents want a prompt, and which. So prompts can be seen without a large model.
class PromptedHome : public Home {
 public:
  static constexpr const char* kDefaultTask = "Given a question, find the answer";

  PromptedHome() {
    const Json model{{"url", RUNED_BUILTIN_MODEL},
                     {"sha256", sha256_hex(read_text(RUNED_BUILTIN_MODEL))},
                     {"architecture", "qwen3"},
                     {"dimensions", 256},
                     {"min_dimensions", 32},
                     {"prompts", {{"query", "Instruct: {task}\nQuery:"}, {"document", "doc: "}}},
                     {"default_task", kDefaultTask}};
    const Json manifest{{"version", 1}, {"models", {{"mini", model}}}};
    write_text(file("manifest.json"), to_line(manifest));
    set("RUNED_MANIFEST", file("manifest.json"));
    set("RUNED_MODEL", "builtin:runed-mini");
  }

  /// What a query without an instruction is given to the model as.
  static std::string prompted(const std::string& query) {
    return std::string("Instruct: ") + kDefaultTask + "\nQuery:" + query;
  }
};

}  // namespace runed::test
