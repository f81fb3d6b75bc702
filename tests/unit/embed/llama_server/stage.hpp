#pragma once

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "embed/llama_server/llama_server_engine.hpp"
#include "embed/model/builtin_model.hpp"
#include "os/process/process.hpp"
#include "support/result_matchers.hpp"
#include "support/stand_in.hpp"

namespace runed::test {

using Ids = std::vector<embed::TokenId>;
using Texts = std::vector<Ids>;

// Stands for patience in tests where nobody waits for its end.
inline constexpr std::chrono::milliseconds kLong = std::chrono::minutes(1);

/// An engine on a stand-in, with everything that it leaves in a directory of the test.
struct Stage {
  static constexpr uint32_t kDimension = 256;  // Of the built-in model.

  explicit Stage(std::vector<std::string> modes) {
    modes.push_back(fmt::format("dimension={}", kDimension));
    modes.push_back("record=" + dir / "record");
    options = {.executable = write_stand_in(dir / "server", modes),
               .source = {.bytes = embed::builtin_model(), .path = {}},
               .sha256 = std::string(embed::builtin_model_sha256()),
               .model_copy_path = dir / "model.gguf",
               .socket_path = dir / "x.sock",
               .log_path = dir / "server.log",
               .threads = 2,
               .patience = {.listen = kLong,
                            .load = kLong,
                            .stop = std::chrono::milliseconds(200),
                            .answer = {.silence = kLong, .pass = kLong}}};
  }

  embed::llama_server::LlamaServerEngine& make() {
    engine = unwrap(embed::llama_server::LlamaServerEngine::create(options, clock));
    engine->on_death([this] { ++deaths; });
    return *engine;
  }
  embed::llama_server::LlamaServerEngine& start() {
    make();
    unwrap(engine->start());
    return *engine;
  }

  Result<std::vector<float>> embed(const Texts& texts) {
    Ids ids;
    std::vector<uint32_t> offsets{0};
    for (const Ids& text : texts) {
      ids.insert(ids.end(), text.begin(), text.end());
      offsets.push_back(static_cast<uint32_t>(ids.size()));
    }
    std::vector<float> vectors(texts.size() * kDimension);
    TRY(engine->embed({.ids = ids, .offsets = offsets}, vectors));
    return vectors;
  }

  // Those that serve, not those that only tell what the build can do.
  std::vector<Json> starts() const {
    std::vector<Json> serving = read_record(dir / "record").starts;
    std::erase_if(serving, [](const Json& start) {
      return !std::ranges::any_of(start["arguments"], [](const Json& a) { return a == "--host"; });
    });
    return serving;
  }
  std::string last_flag(const char* name) const {
    const Json arguments = starts().back()["arguments"];
    return *std::next(std::ranges::find(arguments, Json(name)));
  }
  // Serves a file of the test's own: the built-in model, changed.
  void use_file(const std::function<void(std::string&)>& change) {
    const auto bytes = embed::builtin_model();
    std::string model(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    change(model);
    options.source = {.bytes = {}, .path = dir / "own.gguf"};
    options.sha256.clear();
    write_text(options.source.path + ".new", model);
    std::filesystem::rename(options.source.path + ".new", options.source.path);
  }
  int last_pid() { return starts().back()["pid"]; }
  std::string crash_copy() { return read_text(dir / "server.crash.log"); }

  TempDir dir;
  const SystemClock clock;
  embed::llama_server::LlamaServerOptions options;
  std::atomic<int> deaths{0};
  std::unique_ptr<embed::llama_server::LlamaServerEngine> engine;
};

inline bool is_gone(int pid) {
  return os::wait_for_exit(pid, std::chrono::seconds(10));
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace runed::test
