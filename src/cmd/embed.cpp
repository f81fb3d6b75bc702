#include "cmd/embed.hpp"

#include <memory>
#include <ostream>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "cmd/embed/embed_daemon.hpp"
#include "cmd/embed/embed_job.hpp"
#include "cmd/embed/embed_local.hpp"
#include "cmd/line/flag_set.hpp"
#include "cmd/line/note.hpp"
#include "cmd/line/setting_flags.hpp"
#include "cmd/line/value_checks.hpp"
#include "os/file/files.hpp"

namespace runed::cmd {
namespace {

constexpr const char* kExamples =
    "  echo \"some text\" | runed embed --json\n"
    "  runed embed \"first text\" \"second text\"\n"
    "  runed embed --query \"capital of China?\"\n"
    "  runed embed --model notes.gguf \"some text\"\n"
    "  runed embed -f lines.txt > vectors.jsonl";

EmbedOptions embed_options(const EmbedFlags& flags) {
  const bool is_query = flags.query || flags.instruction.has_value();
  const int64_t dimensions = flags.dimensions.value_or(0);
  return {.input_type = is_query         ? InputType::query
                        : flags.document ? InputType::document
                                         : InputType::unspecified,
          .instruction = flags.instruction.value_or(""),
          .dimensions = can_be_dimensions(dimensions) ? static_cast<uint32_t>(dimensions) : 0,
          .truncate = flags.truncate == "right"  ? Truncate::right
                      : flags.truncate == "left" ? Truncate::left
                                                 : Truncate::error,
          .prompt_name = flags.prompt_name.value_or("")};
}

Status check_encoding(std::string_view flag, const std::string& text) {
  if (!find_invalid_utf8(text).has_value()) return {};
  const Encoding encoding = describe_encoding(text);
  return make_error(ErrorCode::usage, "{} is not UTF-8", flag)
      .with_hint(fmt::format("it looks like {}: {}", encoding.name, encoding.advice));
}

// On the wire an empty one is the default task; who writes one here, or a variable that is not set,
// means something else.
Status check_instruction(const std::optional<std::string>& instruction) {
  if (!instruction.has_value()) return {};
  TRY(check_encoding("--instruct", *instruction));
  if (!is_blank(*instruction)) return {};
  return make_error(ErrorCode::usage, "--instruct is blank: it takes the task of the queries")
      .with_hint("name the task, or give --query alone for the default one of the model");
}

// Likewise.
Status check_prompt_name(const std::optional<std::string>& name) {
  if (!name.has_value()) return {};
  TRY(check_encoding("--task", *name));
  if (!is_blank(*name)) return {};
  return make_error(ErrorCode::usage, "--task is blank: it takes the name of a prompt of the model")
      .with_hint("'runed status' has the names");
}

// Whoever gives the name of a file as a text means the file, as a rule.
void note_file_names(const EmbedFlags& flags, Services& services) {
  for (const std::string& text : flags.texts) {
    if (!os::is_regular_file(os::resolve_links(text))) continue;
    services.err << format_note(
        fmt::format("'{}' is embedded as text; --file reads it", printable(text)), flags.json);
  }
}

// That the end of a text had no part in its vector is nothing that a vector shows.
void note_cut_texts(const EmbedJob& job) {
  const uint64_t cut = job.output.cut_count();
  if (cut == 0) return;
  job.services.err << format_note(
      fmt::format("{} of {} texts {} cut to as many tokens as the model takes", cut,
                  job.output.count(), cut == 1 ? "was" : "were"),
      job.flags.json);
}

}  // namespace

Result<ExitCode> run_embed(const EmbedFlags& flags, Services& services) {
  const EmbedOptions options = embed_options(flags);
  TRY(check_instruction(flags.instruction));
  TRY(check_prompt_name(flags.prompt_name));
  TRY_ASSIGN(EmbedInput input, flags.texts.empty() ? EmbedInput::open(flags.file, services.stdin_fd)
                                                   : EmbedInput::from_arguments(flags.texts));
  TRY(input.read_ahead());
  TRY_ASSIGN(const Location location, locate(flags.location, flags.settings, services));
  note_file_names(flags, services);
  EmbedOutput output(services.out,
                     flags.json ? EmbedOutput::Format::document : EmbedOutput::Format::lines);
  EmbedJob job{flags, options, location, input, output, services};
  Status done = flags.ids      ? tokenize_input(job)
                : flags.direct ? embed_direct(job)
                               : embed_by_daemon(job);
  if (!done) {
    output.fail(done.error());
    return std::move(done).error();
  }
  TRY(output.finish());
  note_cut_texts(job);
  return ExitCode::ok;
}

Runner define_embed(FlagSet& set) {
  auto flags = std::make_shared<EmbedFlags>();
  set.footer(kExamples);
  const Flag texts =
      set.add_option("TEXT", flags->texts, "Texts to embed; none: one a line from stdin");
  const Flag file =
      set.add_option("-f,--file", flags->file, "Read texts from a file, one a line; - is stdin");
  file.type_name("FILE").excludes(texts);
  set.add_flag("--json", flags->json, "Print one JSON document; also for errors");
  const Flag query = set.add_flag("-q,--query", flags->query,
                                  "The texts are queries: prompt as the model wants it");
  const Flag document = set.add_flag("--document", flags->document,
                                     "The texts are documents: prompt as the model wants it");
  document.excludes(query);
  const Flag instruct =
      set.add_option("--instruct", flags->instruction, "The task of the queries; implies --query");
  instruct.type_name("TASK").excludes(document);
  set.add_option("--task", flags->prompt_name, "Prompt by a name that the model has one by")
      .type_name("NAME")
      .excludes(query)
      .excludes(document)
      .excludes(instruct);
  set.add_option("-d,--dimensions", flags->dimensions,
                 "Cut vectors to N floats and normalise again")
      .type_name("N")
      .check(check_dimension_number);
  set.add_option("--truncate", flags->truncate,
                 "Cut a text that is too long at its right or left; error: refuse it")
      .type_name("SIDE")
      .check([](const std::string& text) {
        return check_choice(text, {"error", "left", "right"});
      });
  set.add_flag("--ids", flags->ids, "Print the token ids that the model would see");
  set.add_flag("--direct", flags->direct, "Embed in this process, without a daemon");
  add_setting_flag(set, flags->settings, "model",
                   "Model to ask for: a name that 'runed models' has, or a file");
  add_setting_flag(set, flags->settings, "model_variant", "Model variant to ask for");
  set.add_option("--expect-model", flags->expect_model, "Fail unless the model has this identity")
      .type_name("ID");
  set.add_option("--timeout", flags->timeout_seconds,
                 "Give up after this long without progress (600)")
      .type_name("SECONDS")
      .check(check_seconds);
  add_location_flags(set, flags->location);
  return [flags](Services& services) { return run_embed(*flags, services); };
}

}  // namespace runed::cmd
