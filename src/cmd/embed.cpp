#include "cmd/embed.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <ostream>

#include "base/duration.hpp"
#include "base/text.hpp"
#include "bootstrap/ready_model.hpp"
#include "client/client.hpp"
#include "cmd/embed_input.hpp"
#include "cmd/embed_output.hpp"
#include "cmd/progress.hpp"
#include "daemon/engine.hpp"
#include "embed/request.hpp"

namespace runed::cmd {
namespace {

constexpr size_t kMostCallBytes = 8
                                  << 20;  // Of text in one call: an eighth of what a daemon takes.

constexpr const char* kExamples =
    "  echo \"some text\" | runed embed --json\n"
    "  runed embed \"first text\" \"second text\"\n"
    "  runed embed --query \"capital of China?\"\n"
    "  runed embed -f lines.txt > vectors.jsonl";

// Says which line or argument a daemon or an engine refused.
Error at_place(Error error, const EmbedInput& input, size_t first) {
  const auto index = error.details.find("index");
  if (index == error.details.end()) return error;
  const size_t place = first + std::stoul(index->second);
  index->second = std::to_string(place);
  if (error.code == ErrorCode::text_too_long && error.details.contains("tokens")) {
    error.message = fmt::format("{} has {} tokens, the model takes {}", input.place(place),
                                error.details["tokens"], error.details["limit"]);
    error.hint = "split the text, or cut it with --truncate right";
  } else if (const size_t end = error.message.find(": "); error.message.starts_with("text ")) {
    error.message = input.place(place) + error.message.substr(end);
  }
  return error;
}

Status check_expected(const EmbedFlags& flags, const std::string& identity) {
  if (!flags.expect_model.has_value() || *flags.expect_model == identity) return {};
  return make_error(ErrorCode::model_mismatch, "the model is '{}', not '{}'", identity,
                    *flags.expect_model)
      .with_hint(
          "vectors of different models must not be mixed; embed everything again, or serve "
          "the model that is expected")
      .with_detail("model_identity", identity);
}

EmbedOptions embed_options(const EmbedFlags& flags) {
  return {.input_type =
              flags.query || !flags.instruction.empty() ? InputType::query : InputType::unspecified,
          .instruction = flags.instruction,
          .dimensions = flags.dimensions,
          .truncate = flags.truncate == "right"  ? Truncate::right
                      : flags.truncate == "left" ? Truncate::left
                                                 : Truncate::error};
}

// The model to use without a daemon: nothing is fetched for it.
Result<bootstrap::ReadyModel> local_model(const Location& location) {
  TRY_ASSIGN(const auto choice, bootstrap::choose_model(location.paths, location.settings));
  return bootstrap::check_model(location.paths, location.settings, choice, {});
}

Result<EmbedOutput> tokenize_input(const EmbedFlags& flags, const EmbedOptions& options,
                                   const Location& location, const EmbedInput& input) {
  TRY_ASSIGN(const auto model, local_model(location));
  TRY_ASSIGN(const auto vocabulary, daemon::load_vocabulary(model));
  EmbedOutput output{.model_name = vocabulary.model_name,
                     .model_identity = embed::model_identity(vocabulary.model_sha256)};
  TRY(check_expected(flags, output.model_identity));
  for (const std::string& text : input.texts) {
    TRY_ASSIGN(auto ids, vocabulary.tokenizer->tokenize(embed::apply_prompt(text, options)));
    output.ids.push_back(std::move(ids));
  }
  return output;
}

Result<EmbedOutput> embed_direct(const EmbedFlags& flags, const EmbedOptions& options,
                                 const Location& location, const EmbedInput& input,
                                 const Services& services) {
  TRY_ASSIGN(const auto chosen, local_model(location));
  TRY_ASSIGN(const auto engine,
             daemon::make_direct_engine(location.paths, location.settings, services.environment,
                                        chosen, services.clock));
  const auto& embedder = engine.embedder;
  TRY(embedder->start());
  const embed::ModelInfo& model = embedder->info();
  EmbedOutput output{.model_name = model.model_name,
                     .model_identity = embed::model_identity(model.model_sha256),
                     .engine = model.engine};
  TRY(check_expected(flags, output.model_identity));
  TRY(embed::check_options(options, model));
  std::vector<embed::PreparedText> prepared;
  for (size_t i = 0; i < input.texts.size(); ++i) {
    auto text =
        embed::prepare_text(input.texts[i], options, *embedder->tokenizer(), model.max_tokens);
    if (!text) {
      return at_place(std::move(text).error().with_detail("index", "0"), input, i);
    }
    prepared.push_back(*std::move(text));
  }
  TRY_ASSIGN(output.embeddings, embed::embed_all(*embedder, prepared));
  for (Embedding& embedding : output.embeddings) {
    TRY(embed::cut_dimensions(embedding.vector, options.dimensions));
  }
  return output;
}

// The end of the run of texts, from `first` on, that fits one call.
size_t end_of_call(const EmbedInput& input, size_t first, size_t most_texts) {
  size_t end = first;
  size_t bytes = 0;
  while (end < input.texts.size() && end - first < most_texts) {
    bytes += input.texts[end].size();
    if (end > first && bytes > kMostCallBytes) break;
    ++end;
  }
  return end;
}

// A model file that was written over, or another daemon: whose vectors they are is not known then.
// A daemon that has ended since, having answered everything, is no fault.
Status check_same_model(client::Client& client, const std::string& identity) {
  const auto now = client.find_identity();
  if (!now.has_value() || *now == identity) return {};
  return make_error(ErrorCode::model_mismatch, "the model changed from '{}' to '{}' on the way",
                    identity, *now)
      .with_hint("run the command again");
}

Result<EmbedOutput> embed_by_daemon(const EmbedFlags& flags, const EmbedOptions& options,
                                    const Location& location, const EmbedInput& input,
                                    Services& services) {
  client::ClientOptions client_options{.start = client::StartPolicy::on_demand};
  TRY_ASSIGN(client_options.daemon, daemon_location(location));
  client_options.timeout = to_milliseconds(flags.timeout_seconds);
  Progress progress(services.err, display_of(services), services.clock);
  client_options.on_loading = [&progress,
                               told = std::string()](const client::HealthReport& health) mutable {
    if (health.bytes_done > 0) {
      progress.update(health.message, static_cast<uint64_t>(health.bytes_done),
                      static_cast<uint64_t>(health.bytes_total));
    }
    if (health.message == told || health.uptime_seconds < 1) return;
    told = health.message;
    progress.note("waiting for the daemon: " + told);
  };
  auto connected = client::Client::connect(std::move(client_options));
  if (!connected) {
    // The daemon's own reason is in its log; the likeliest can be told better here.
    TRY(bootstrap::choose_model(location.paths, location.settings));
    return std::move(connected).error();
  }
  client::Client client = *std::move(connected);
  TRY(client.wait_ready());
  progress.clear();
  if (client.started_daemon()) {
    TRY_ASSIGN(const auto health, client.health());
    if (!health.message.empty()) progress.note("note: " + health.message);
  }
  TRY_ASSIGN(const auto info, client.info());
  TRY(check_expected(flags, info.model_identity));
  EmbedOutput output{
      .model_name = info.model_name, .model_identity = info.model_identity, .engine = info.engine};
  const auto most_texts = static_cast<size_t>(std::max(1, info.max_batch_size));
  for (size_t first = 0; first < input.texts.size();) {
    const size_t end = end_of_call(input, first, most_texts);
    auto done = client.embed({input.texts.begin() + static_cast<std::ptrdiff_t>(first),
                              input.texts.begin() + static_cast<std::ptrdiff_t>(end)},
                             options);
    if (!done) return at_place(std::move(done).error(), input, first);
    std::ranges::move(*done, std::back_inserter(output.embeddings));
    first = end;
  }
  TRY(check_same_model(client, info.model_identity));
  return output;
}

}  // namespace

Result<ExitCode> run_embed(const EmbedFlags& flags, Services& services) {
  const EmbedOptions options = embed_options(flags);
  if ((flags.model.has_value() || flags.variant.has_value()) && !flags.ids && !flags.direct) {
    return make_error(ErrorCode::usage, "--model and --variant need --direct or --ids")
        .with_hint(
            "a daemon has one model for everybody: choose it with 'runed serve' or in "
            "config.json");
  }
  if (find_invalid_utf8(flags.instruction).has_value()) {
    return make_error(ErrorCode::usage, "--instruct is not UTF-8");
  }
  TRY_ASSIGN(const EmbedInput input, flags.texts.empty() ? read_input(flags.file, services.stdin_fd)
                                                         : input_from_arguments(flags.texts));
  TRY_ASSIGN(
      const Location location,
      locate(flags.location, {.model = flags.model, .model_variant = flags.variant}, services));
  TRY_ASSIGN(const EmbedOutput output,
             flags.ids      ? tokenize_input(flags, options, location, input)
             : flags.direct ? embed_direct(flags, options, location, input, services)
                            : embed_by_daemon(flags, options, location, input, services));
  services.out << (flags.json ? format_document(output) : format_lines(output));
  return ExitCode::ok;
}

Runner define_embed(CLI::App& app) {
  auto flags = std::make_shared<EmbedFlags>();
  app.footer(kExamples);
  app.add_option("TEXT", flags->texts, "Texts to embed; none: one a line from stdin");
  auto* file =
      app.add_option("-f,--file", flags->file, "Read texts from a file, one a line; - is stdin");
  file->type_name("FILE")->excludes("TEXT");
  app.add_flag("--json", flags->json, "Print one JSON document; also for errors");
  app.add_flag("-q,--query", flags->query, "The texts are queries: prompt for a search");
  app.add_option("--instruct", flags->instruction, "The task of the queries; implies --query")
      ->type_name("TASK");
  app.add_option("-d,--dimensions", flags->dimensions,
                 "Cut vectors to N floats and normalise again")
      ->type_name("N");
  app.add_option("--truncate", flags->truncate,
                 "Cut a text that is too long at its right or left; error: refuse it")
      ->type_name("SIDE")
      ->check(CLI::IsMember({"error", "right", "left"}).description(""));
  app.add_flag("--ids", flags->ids, "Print the token ids that the model would see");
  app.add_flag("--direct", flags->direct, "Embed in this process, without a daemon");
  app.add_option("--model", flags->model, "Model file, with --direct or --ids")->type_name("FILE");
  app.add_option("--variant", flags->variant, "Model variant, with --direct or --ids")
      ->type_name("NAME");
  app.add_option("--expect-model", flags->expect_model, "Fail unless the model has this identity")
      ->type_name("ID");
  app.add_option("--timeout", flags->timeout_seconds, "Give up after this many seconds (600)")
      ->type_name("SECONDS")
      ->check(CLI::PositiveNumber.description(""));
  add_location_flags(app, flags->location);
  return [flags](Services& services) { return run_embed(*flags, services); };
}

}  // namespace runed::cmd
