#pragma once

#include <optional>
#include <string>

namespace runed::test {

/// Returns the path of the real llama-server, or fails the test if there is none. Empty only where
/// RUNED_SKIP_LLAMA_SERVER=1 says to do without: the test leaves itself out, loudly, and returns.
///
///   const auto llama_server = real_llama_server();
///   if (!llama_server) return;
std::optional<std::string> real_llama_server();

}  // namespace runed::test
