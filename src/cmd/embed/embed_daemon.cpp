#include "cmd/embed/embed_daemon.hpp"

#include <algorithm>

#include "base/duration.hpp"
#include "base/text.hpp"
#include "bootstrap/config/last_daemon.hpp"
#include "bootstrap/manifest/manifest_source.hpp"
#include "bootstrap/use/model_choice.hpp"
#include "client/client.hpp"
#include "cmd/setting_differences.hpp"

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
  options.on_replaced = [&progress](const client::InfoReport& before,
                                    const client::InfoReport& now) {
    const std::string changes = describe_changes(before.config, now.config);
    if (changes.empty()) return;
    progress.note(
        fmt::format("note: the daemon (pid {}) has ended, and the one that goes on (pid {}) has "
                    "other settings: "
                    "{}",
                    before.pid, now.pid, changes));
  };
  options.on_stuck = job.services.end_process;
  options.on_wait = [&progress](const std::string& what) { progress.note(what); };
  return client::Client::connect(std::move(options));
}

// A variant that could be served once it was installed.
Error advise_install(Error error, const EmbedJob& job) {
  const auto& [paths, settings] = job.location;
  const auto choice = bootstrap::choose_model(paths, settings);
  const auto manifest = bootstrap::load_local_manifest(paths, settings.manifest.value);
  if (!choice || !manifest || choice->kind != bootstrap::ModelChoice::Kind::variant) return error;
  const auto variant = bootstrap::find_variant(manifest->variants(), choice->variant);
  if (!variant) return error;
  error.hint = fmt::format("'runed install --variant {}' fetches it; {}", *variant, error.hint);
  return error;
}

// Why a daemon could not start is in its log; the likeliest reason can be told better here.
Error explain(Error error, const EmbedJob& job) {
  if (error.code == ErrorCode::unknown_model) return advise_install(std::move(error), job);
  if (error.code != ErrorCode::unavailable) return error;
  if (Status binary = check_runed_binary(job.location.settings); !binary) {
    return std::move(binary).error();
  }
  auto choice = bootstrap::choose_model(job.location.paths, job.location.settings);
  return choice ? std::move(error) : std::move(choice).error();
}

// That the one before has died may be no news, but its flags have gone with it.
void note_successor(const bootstrap::LastDaemon& dead, const client::InfoReport& info,
                    Progress& progress) {
  std::vector<client::InfoReport::ConfigValue> before;
  for (const auto& [key, value, origin] : dead.settings) {
    before.push_back({key, escape_invalid_utf8(value), std::string(name_of(origin))});
  }
  const std::string changes = describe_changes(before, info.config);
  if (changes.empty()) return;
  progress.note(fmt::format(
      "note: the daemon before (pid {}) has died, and the one that was started now has other "
      "settings: {}",
      dead.pid, changes));
}

// Asks for the model that is named in place of the daemon's own, and for what it is. A daemon that has only one is as it
// always was: then the difference stays.
Status ask_for_model(std::vector<SettingDifference>& differences, client::Client& client,
                     client::InfoReport& info) {
  const auto named = std::ranges::find_if(
      differences, [](const SettingDifference& difference) { return difference.model.has_value(); });
  if (named == differences.end()) return {};
  Status used = client.use_model(*named->model);
  if (!used && used.error().code == ErrorCode::not_implemented) return {};
  TRY(std::move(used));
  differences.erase(named);
  TRY_ASSIGN(info, client.info());
  return {};
}

// One that this command has just started has its settings from it, but for the flags.
Status check_settings(EmbedJob& job, client::Client& client, client::InfoReport& info,
                      Progress& progress) {
  if (client.started_daemon()) {
    const auto dead = bootstrap::read_last_daemon(job.location.paths.dead_daemon);
    if (dead.has_value()) note_successor(*dead, info, progress);
    if (job.flags.settings.empty()) return {};
  }
  TRY_ASSIGN(auto differences, compare_settings(job.location, info, Compared::what_is_named));
  TRY(ask_for_model(differences, client, info));
  TRY(refuse_other_daemon(differences));
  for (const SettingDifference& difference : differences) {
    progress.note(fmt::format("note: {}; {}", difference.text, kReplaceDaemonHint));
  }
  return {};
}

KnownPrompts known_prompts(const client::InfoReport& info) {
  KnownPrompts prompts{.query = info.query_prompt,
                       .document = info.document_prompt,
                       .named = {},
                       .default_name = info.default_prompt_name,
                       .source = info.prompt_source};
  for (const auto& [name, text] : info.named_prompts) prompts.named.push_back({name, text});
  return prompts;
}

Status embed(EmbedJob& job) {
  EmbedProgress progress(job);
  TRY_ASSIGN(client::Client client, connect(job, progress.display()));
  TRY(client.wait_ready());
  progress.display().clear();
  // What the daemon says of its own model is nothing to who has named another one.
  if (client.started_daemon() && job.flags.settings.empty()) {
    const auto health = client.health();
    if (health && !health->message.empty()) progress.display().note("note: " + health->message);
  }
  TRY_ASSIGN(auto info, client.info());
  TRY(check_settings(job, client, info, progress.display()));
  TRY(check_expected(job.flags, info.model_identity));
  TRY(check_dimensions(job.flags, info.model_name, info.min_dimensions, info.vector_dim));
  // Also so that a daemon which does not know the field is not thought to have obeyed.
  TRY(set_model(job, {info.model_name, info.model_identity, info.engine}, known_prompts(info),
                progress.display()));
  OutputSink sink(job.output, progress);
  Status done = client.embed_stream(job.options, info.model_identity, job.input, sink);
  if (!done) return at_place(std::move(done).error(), job.input);
  return {};
}

}  // namespace

Status embed_by_daemon(EmbedJob& job) {
  Status done = embed(job);
  if (!done) return explain(std::move(done).error(), job);
  return done;
}

}  // namespace runed::cmd
