#include "embed/llama_server/process/server_start.hpp"

#include <random>
#include <thread>
#include <utility>

#include "embed/llama_server/process/server_environment.hpp"
#include "os/file/files.hpp"

namespace runed::embed::llama_server {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPoll{5};  // A small model is ready after some 200 ms.
constexpr milliseconds kProbeTime{1000};
constexpr size_t kKeyWords = 8;  // Of 32 bits.

std::string random_key() {
  std::random_device random;
  std::string key;
  for (size_t i = 0; i < kKeyWords; ++i) key += fmt::format("{:08x}", random());
  return key;
}

// Waits for one server to be ready.
class Arrival {
 public:
  Arrival(RunningServer& server, const ServerPatience& patience, uint64_t model_bytes,
          const StartHooks& hooks)
      : server_(server),
        hooks_(hooks),
        listen_until_(hooks.clock.steady_now() + patience.listen),
        ready_until_(hooks.clock.steady_now() + patience.load +
                     std::chrono::seconds(model_bytes / patience.load_bytes_per_second)) {}

  Status wait() {
    TRY(wait_for_endpoint());
    bool listens = false;
    while (true) {
      const int status = server_.client->ask(health_request(kProbeTime)).status;
      if (status == kHttpOk) return {};
      listens = listens || status != 0;
      TRY(look(listens));
    }
  }

 private:
  // A socket's path is known, a port only once it listens.
  Status wait_for_endpoint() {
    Endpoint& endpoint = server_.endpoint;
    while (endpoint.socket_path.empty() && endpoint.port == 0) {
      TRY(look(false));
      endpoint.port = server_.process->find_port().value_or(0);
    }
    TRY_ASSIGN(server_.client, HttpClient::create(endpoint));
    return {};
  }

  Status look(bool listens) const {
    if (hooks_.is_interrupted) return make_error(ErrorCode::shutting_down, "the engine is stopped");
    if (server_.process->has_ended()) {
      return server_.process->how_it_ended(ServerProcess::Stage::starting);
    }
    const SteadyTime now = hooks_.clock.steady_now();
    if (!listens && now > listen_until_) return late("does not open its socket");
    if (now > ready_until_) return late("does not become ready");
    std::this_thread::sleep_for(kPoll);
    return {};
  }

  Error late(const char* what) const {
    return server_.process->describe_fault(fmt::format("llama-server {}", what));
  }

  RunningServer& server_;
  const StartHooks& hooks_;
  const SteadyTime listen_until_;
  const SteadyTime ready_until_;
};

}  // namespace

Result<RunningServer> start_server(const ServerCommand& command, const ModelDescription& model,
                                   const ServerFeatures& features, const ServerShape& shape,
                                   const ServerPatience& patience, const StartHooks& hooks) {
  RunningServer server;
  std::vector<std::string> environment = server_environment();
  if (features.has_unix_sockets) {
    server.endpoint.socket_path = command.socket_path;
    TRY(os::remove_file(command.socket_path));  // A child that was killed leaves it.
  } else {
    server.endpoint.api_key = random_key();  // Not as a flag: those can be read by everybody.
    environment.push_back("LLAMA_API_KEY=" + server.endpoint.api_key);
  }
  TRY_ASSIGN(server.process,
             ServerProcess::start(
                 {.arguments = make_arguments(command, model, features, shape, server.endpoint),
                  .environment = std::move(environment),
                  .log_path = command.log_path,
                  .on_end = hooks.on_end}));
  TRY(Arrival(server, patience, command.model_bytes, hooks).wait());
  return server;
}

}  // namespace runed::embed::llama_server
