#include "cmd/embed_daemon.hpp"

#include "base/duration.hpp"
#include "bootstrap/model_choice.hpp"
#include "client/client.hpp"

namespace runed::cmd {
namespace {

class OutputSink final : public client::ResultSink {
 public:
  OutputSink(EmbedOutput& output, EmbedProgress& progress) : output_(output), progress_(progress) {}

  Status take(Embedding embedding) override {
    TRY(output_.add(embedding));
    progress_.advance();
    return {};
  }

  Status on_pause() override { return output_.flush(); }

 private:
  EmbedOutput& output_;
  EmbedProgress& progress_;
};

void show_loading(const client::HealthReport& health, std::string& told, Progress& progress) {
  if (health.bytes_done > 0) {
    progress.update(health.message, static_cast<uint64_t>(health.bytes_done),
                    static_cast<uint64_t>(health.bytes_total));
  }
  if (health.message == told || health.uptime_seconds < 1) return;
  told = health.message;
  progress.note("waiting for the daemon: " + told);
}

Result<client::Client> connect(EmbedJob& job, Progress& progress) {
  client::ClientOptions options{.start = client::StartPolicy::on_demand};
  TRY_ASSIGN(options.daemon, daemon_location(job.location));
  options.timeout = to_milliseconds(job.flags.timeout_seconds);
  options.on_loading = [&progress,
                        told = std::string()](const client::HealthReport& health) mutable {
    show_loading(health, told, progress);
  };
  auto connected = client::Client::connect(std::move(options));
  if (!connected) {
    // The daemon's own reason is in its log; the likeliest can be told better here.
    TRY(bootstrap::choose_model(job.location.paths, job.location.settings));
  }
  return connected;
}

}  // namespace

Status embed_by_daemon(EmbedJob& job) {
  EmbedProgress progress(job);
  TRY_ASSIGN(client::Client client, connect(job, progress.display()));
  TRY(client.wait_ready());
  progress.display().clear();
  if (client.started_daemon()) {
    const auto health = client.health();
    if (health && !health->message.empty()) progress.display().note("note: " + health->message);
  }
  TRY_ASSIGN(const auto info, client.info());
  TRY(check_expected(job.flags, info.model_identity));
  job.output.set_model({info.model_name, info.model_identity, info.engine});
  OutputSink sink(job.output, progress);
  Status done = client.embed_stream(job.options, info.model_identity, job.input, sink);
  if (!done) return at_place(std::move(done).error(), job.input);
  return {};
}

}  // namespace runed::cmd
