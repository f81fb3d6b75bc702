#include "compare_server.hpp"

#include <fmt/ranges.h>

#include <cctype>
#include <csignal>
#include <thread>

#include "bench.hpp"
#include "compare_foreign.hpp"
#include "embed/llama_server/process/server_environment.hpp"
#include "embed/llama_server/process/server_process.hpp"
#include "embed/llama_server/protocol/embedding_reply.hpp"
#include "embed/llama_server/protocol/http_client.hpp"
#include "os/process/process.hpp"

namespace runed::bench {
namespace {

namespace llama = embed::llama_server;
using namespace std::chrono_literals;

constexpr auto kStartTime = 180s;
constexpr auto kPoll = 20ms;
constexpr auto kProbeTime = 1000ms;
constexpr auto kAnswerTime = 300s;

class ServerContender final : public Contender {
 public:
  ServerContender(const FlagSet& set, llama::Endpoint endpoint, uint32_t dimension,
                  std::unique_ptr<llama::ServerProcess> process)
      : Contender(fmt::format("llama-server, {}", set.name),
                  fmt::format("{}", fmt::join(set.flags, " ")), Engine::llama_server),
        endpoint_(std::move(endpoint)),
        dimension_(dimension),
        process_(std::move(process)) {}

  ~ServerContender() override { process_->stop(0ms); }

  Status wait_until_ready() {
    const auto until = std::chrono::steady_clock::now() + kStartTime;
    while (std::chrono::steady_clock::now() < until) {
      if (process_->has_ended()) {
        return process_->how_it_ended(llama::ServerProcess::Stage::starting);
      }
      TRY_ASSIGN(const auto client, llama::HttpClient::create(endpoint_));
      if (client->ask(llama::health_request(kProbeTime)).status == llama::kHttpOk) return {};
      std::this_thread::sleep_for(kPoll);
    }
    return make_error(ErrorCode::deadline_exceeded, "llama-server ({}) is not ready", name());
  }

  // A server closes a connection that was quiet for some seconds, so each turn has its own.
  void begin_turn() override {
    value(os::signal_process(process_->pid(), SIGCONT));
    client_ = value(llama::HttpClient::create(endpoint_));
  }

  void end_turn() override {
    client_.reset();
    value(os::signal_process(process_->pid(), SIGSTOP));
  }

  // The request's JSON is written and the reply's is read outside of what is timed: that is ours,
  // not llama-server's. Vectors come in base64, which is the least work for it.
  Result<std::vector<float>> embed(const Texts& texts, Cost& cost) override {
    const size_t count = texts.offsets.size() - 1;
    llama::HttpRequest request{.path = "/v1/embeddings",
                               .body = llama::write_request(texts.batch(), 0, count),
                               .most_reply_bytes = llama::most_reply_bytes(count, dimension_),
                               .timeout = kAnswerTime};
    const double cpu = exact_cpu_ms(process_->pid());
    const auto begin = std::chrono::steady_clock::now();
    const llama::HttpReply reply = client_->ask(std::move(request));
    cost = {.wall_ms = milliseconds_since(begin), .cpu_ms = exact_cpu_ms(process_->pid()) - cpu};
    if (reply.status == llama::kHttpOk) return llama::read_reply(reply.body, count, dimension_);
    return make_error(
        ErrorCode::engine_fault, "{}: {}", name(),
        reply.status == 0 ? reply.failure : llama::read_failure(reply.status, reply.body));
  }

  int pid() const override { return process_->pid(); }

  uint64_t own_bytes() const override { return process_->anonymous_bytes(); }

 private:
  const llama::Endpoint endpoint_;
  const uint32_t dimension_;
  const std::unique_ptr<llama::ServerProcess> process_;
  std::unique_ptr<llama::HttpClient> client_;
};

// llama-server takes a comma in the path for the end of it.
std::string file_name_of(std::string name) {
  for (char& letter : name) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '-';
  }
  return name;
}

}  // namespace

Result<std::unique_ptr<Contender>> start_server(const ServerSetting& setting, const FlagSet& set) {
  const std::string base = setting.directory + "/" + file_name_of(set.name);
  llama::Endpoint endpoint{.socket_path = base + ".sock", .port = 0, .api_key = {}};
  std::vector<std::string> arguments{setting.executable, "--model", setting.model_path};
  arguments.insert(arguments.end(), set.flags.begin(), set.flags.end());
  arguments.insert(arguments.end(), {"--host", endpoint.socket_path});
  TRY_ASSIGN(auto process, llama::ServerProcess::start({.arguments = std::move(arguments),
                                                        .environment = llama::server_environment(),
                                                        .log_path = base + ".log",
                                                        .on_end = [] {}}));
  auto server = std::make_unique<ServerContender>(set, std::move(endpoint),
                                                  setting.model.spec.width, std::move(process));
  TRY(server->wait_until_ready());
  server->end_turn();
  return server;
}

}  // namespace runed::bench
