#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace runed::embed::llama_server {

/// Returns the environment of a llama-server, KEY=VALUE: what a program needs to run and to find its
/// GPU, and nothing that changes what it computes or where it connects (`LLAMA_ARG_*`, tokens,
/// proxies).
std::vector<std::string> server_environment();

/// The same, of these lines.
std::vector<std::string> server_environment(const std::vector<std::string>& all);

}  // namespace runed::embed::llama_server
