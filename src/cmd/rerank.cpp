#include "cmd/rerank.hpp"

#include <algorithm>
#include <memory>
#include <ostream>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "cmd/embed/embed_input.hpp"
#include "cmd/embed/embed_job.hpp"
#include "cmd/line/flag_set.hpp"
#include "cmd/line/note.hpp"
#include "cmd/line/setting_flags.hpp"
#include "cmd/line/value_checks.hpp"
#include "cmd/rerank/rerank_job.hpp"
#include "embed/rerank_request.hpp"
#include "os/file/write_fault.hpp"
#include "os/process/process.hpp"

namespace runed::cmd {
namespace {

constexpr const char* kExamples =
    "  runed rerank --model reranker.gguf \"capital of China?\" -f documents.txt\n"
    "  grep -i beijing notes.txt | runed rerank --model reranker.gguf -k 5 \"capital of China?\"\n"
    "  runed rerank --model reranker.gguf --json \"capital of China?\" < documents.txt";

// All are kept until the last has its score.
constexpr size_t kMostDocuments = 1'000'000;

Status check_text(const char* name, const std::string& text) {
  if (find_invalid_utf8(text).has_value()) {
    const Encoding encoding = describe_encoding(text);
    return make_error(ErrorCode::usage, "{} is not UTF-8", name)
        .with_hint(fmt::format("it looks like {}: {}", encoding.name, encoding.advice));
  }
  if (!is_blank(text)) return {};
  return make_error(ErrorCode::usage, "{} is blank", name);
}

Result<std::vector<std::string>> read_documents(EmbedInput& input) {
  std::vector<std::string> documents;
  while (true) {
    TRY_ASSIGN(auto document, input.wait_next());
    if (!document.has_value()) return documents;
    if (documents.size() == kMostDocuments) {
      return make_error(ErrorCode::bad_input, "there are more than {} documents", kMostDocuments)
          .with_hint("search for fewer first, as with vectors of 'runed embed'");
    }
    documents.push_back(*std::move(document));
  }
}

void note_cut_documents(const Ranking& ranking, const RerankFlags& flags, Services& services) {
  const auto cut = std::ranges::count_if(
      ranking.results, [](const RankedDocument& each) { return each.tokens_dropped > 0; });
  if (cut == 0) return;
  services.err << format_note(
      fmt::format("{} of {} documents {} cut to what the model takes beside the query", cut,
                  ranking.results.size(), cut == 1 ? "was" : "were"),
      flags.json);
}

// The best first, as the wire has them.
void put_in_order(Ranking& ranking, const RerankFlags& flags) {
  std::vector<Embedding> scored;
  scored.reserve(ranking.results.size());
  for (const RankedDocument& each : ranking.results) {
    scored.push_back({.vector = {each.score},
                      .token_count = each.token_count,
                      .tokens_dropped = each.tokens_dropped});
  }
  ranking.scale = flags.raw ? ScoreScale::raw : ScoreScale::unit;
  ranking.results =
      embed::rank_documents(scored, ranking.scale, static_cast<size_t>(flags.top.value_or(0)));
}

}  // namespace

Result<ExitCode> run_rerank(const RerankFlags& flags, Services& services) {
  TRY(check_text("the query", flags.query));
  if (flags.instruction.has_value()) TRY(check_text("--instruct", *flags.instruction));
  const EmbedOptions options{
      .instruction = flags.instruction.value_or(""),
      .truncate = flags.truncate == "right" ? Truncate::right : Truncate::error};
  TRY_ASSIGN(EmbedInput input, EmbedInput::open(flags.file, services.stdin_fd));
  TRY_ASSIGN(const std::vector<std::string> documents, read_documents(input));
  TRY_ASSIGN(const Location location, locate(flags.location, flags.settings, services));
  const RerankJob job{flags, options, location, documents, services};
  auto ranking = flags.direct ? rerank_direct(job) : rerank_by_daemon(job);
  if (!ranking) return at_place(std::move(ranking).error(), input);
  note_cut_documents(*ranking, flags, services);
  put_in_order(*ranking, flags);
  services.out << (flags.json ? to_document(*ranking, documents) : to_lines(*ranking, documents))
               << std::flush;
  if (!services.out) return os::write_fault(os::kStdout, "cannot write to stdout");
  return ExitCode::ok;
}

Runner define_rerank(FlagSet& set) {
  auto flags = std::make_shared<RerankFlags>();
  set.footer(kExamples);
  set.add_option("QUERY", flags->query, "What the documents are to answer").required();
  set.add_option("-f,--file", flags->file,
                 "Read documents from a file, one a line; - is stdin, as is no file")
      .type_name("FILE");
  set.add_option("-k,--top", flags->top, "Print the best N documents only")
      .type_name("N")
      .check([](const std::string& text) { return check_whole_number(text, 1, UINT32_MAX); });
  set.add_flag("--raw", flags->raw, "Print scores as the model has them, in place of 0 to 1");
  set.add_flag("--json", flags->json, "Print one JSON document; also for errors");
  set.add_option("--instruct", flags->instruction,
                 "The task, of a model that has a place for one (Qwen3-Reranker)")
      .type_name("TASK");
  set.add_option(
         "--truncate", flags->truncate,
         "Cut a query and a document that are too long together at the right; error: refuse "
         "them")
      .type_name("SIDE")
      .check([](const std::string& text) {
        return check_choice(text, {"error", "right"});
      });
  set.add_flag("--direct", flags->direct, "Score in this process, without a daemon");
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
  return [flags](Services& services) { return run_rerank(*flags, services); };
}

}  // namespace runed::cmd
