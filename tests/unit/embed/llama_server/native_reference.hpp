#pragma once

#include <memory>
#include <utility>

#include "embed/llama_server/llama_server_engine.hpp"
#include "embed/native/native_engine.hpp"

namespace runed::test {

/// Compares a server with the native engine, as the daemon does. `clock` is borrowed.
inline embed::llama_server::MakeReference native_reference(const Clock& clock) {
  return [&clock](
             embed::llama_server::ReferenceModel model) -> Result<std::unique_ptr<embed::Engine>> {
    TRY_ASSIGN(auto engine,
               embed::native::NativeEngine::create({.source = std::move(model.source),
                                                    .sha256 = std::move(model.sha256),
                                                    .file = model.file,
                                                    .compute = embed::native::NumberFormat::f32},
                                                   clock));
    return std::unique_ptr<embed::Engine>(std::move(engine));
  };
}

}  // namespace runed::test
