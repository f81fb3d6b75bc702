#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/models/model_pool.hpp"
#include "scripted_engine.hpp"
#include "support/temp_dir.hpp"

namespace runed::test {

inline daemon::ModelDeclaration declare_model(const std::string& name) {
  return {.key = "variant:" + name, .names = {name}};
}

/// A pool of scripted engines of 100 bytes, whose SHA-256 is the first letter of the model's name.
struct PoolFixture {
  explicit PoolFixture(const Clock& used_clock, const std::vector<std::string>& declared = {},
                       uint64_t memory_bytes = 1000)
      : log(Log::Format::json, used_clock) {
    for (const std::string& name : declared) catalogue.push_back(declare_model(name));
    pool = std::make_unique<daemon::ModelPool>(
        daemon::ModelPool::Options{
            .default_model = declare_model("default"),
            .make_source = [this](const auto& model, auto&) { return source_of(model); },
            .catalogue =
                [this] { return Result<std::vector<daemon::ModelDeclaration>>(catalogue); },
            .centroids_path = directory.path() + "/centroids.bin",
            .memory_bytes = memory_bytes,
            .on_load_failed = [](const Error&) {}},
        used_clock, log);
  }

  daemon::EngineSource source_of(const daemon::ModelDeclaration& model) {
    auto& script = scripts[model.key];
    script.sha256 = std::string(64, model.names.front().front());
    return [&script](const auto&) { return std::make_unique<ScriptedEngine>(script); };
  }

  ScriptedEngine::Script& script(const std::string& name) { return scripts["variant:" + name]; }

  TempDir directory;
  Log log;
  std::map<std::string, ScriptedEngine::Script> scripts;
  std::vector<daemon::ModelDeclaration> catalogue;
  std::unique_ptr<daemon::ModelPool> pool;
};

}  // namespace runed::test
