#include "load_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>

namespace runed::bench {
namespace {

using Call = PopulationOptions::Call;

std::string name_of(Call call) {
  switch (call) {
    case Call::embed:
      return "embed";
    case Call::batch:
      return "batch";
    case Call::stream:
      return "stream";
  }
  return "";
}

std::string summary(const PopulationOptions& options) {
  std::string text = fmt::format("{} clients, {}", options.clients, name_of(options.call));
  if (options.call == Call::batch) text += fmt::format(" of {} texts", options.batch);
  text += options.rate > 0 ? fmt::format(", open loop of {} texts/s", options.rate)
                           : std::string(", closed loop");
  if (options.lengths.size() > 8) return text + ", mixed lengths";
  return text + fmt::format(", about {} tokens a text", fmt::join(options.lengths, "/"));
}

double ratio(double of, double to) {
  return to > 0 ? of / to : 0;
}

double megabytes(uint64_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}

void print_rows(const std::string& name, const Json& value) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      print_rows(name.empty() ? key : name + " " + key, inner);
    }
  } else if (value.is_number_float()) {
    fmt::print("| {} | {:.3f} |\n", name, value.get<double>());
  } else if (value.is_string()) {
    fmt::print("| {} | {} |\n", name, value.get<std::string>());
  } else {
    fmt::print("| {} | {} |\n", name, to_line(value));
  }
}

}  // namespace

Json describe(const PopulationOptions& options, PopulationResult& result) {
  LoadTally& tally = result.tally;
  const auto texts = static_cast<double>(tally.texts);
  const auto tokens = static_cast<double>(tally.tokens);
  auto& times = tally.latencies_ms;
  Json json{{"what", summary(options)},
            {"seconds", result.seconds},
            {"calls", tally.calls},
            {"texts", tally.texts},
            {"tokens_per_text", ratio(tokens, texts)},
            {"texts_per_second", ratio(texts, result.seconds)},
            {"tokens_per_second", ratio(tokens, result.seconds)},
            {"latency_ms",
             {{"p50", percentile(times, 0.5)},
              {"p90", percentile(times, 0.9)},
              {"p99", percentile(times, 0.99)},
              {"max", percentile(times, 1)}}},
            {"errors", Json::object()}};
  uint64_t failed = 0;
  for (const auto& [reason, count] : tally.errors) {
    json["errors"][reason] = count;
    failed += count;
  }
  json["errors"]["all"] = failed;
  json["lost"] = tally.lost;
  json["twice"] = tally.twice;
  if (options.cancel_percent > 0) json["cancelled_calls"] = tally.cancelled;
  if (options.call == Call::stream) json["unanswered_texts"] = tally.unanswered;
  if (result.stalled_clients > 0) {
    json["stalled"] = {{"clients", result.stalled_clients},
                       {"texts_written", tally.stalled_writes}};
  }
  return json;
}

Json describe(const DaemonWork& work) {
  const auto passes = static_cast<double>(work.passes);
  return {{"cpu_seconds", static_cast<double>(work.cpu.count()) / 1e3},
          {"passes", work.passes},
          {"texts_per_pass",
           {{"mean", ratio(static_cast<double>(work.texts), passes)},
            {"p50", bucket_percentile(work.pass_text_counts, 0.5)},
            {"p99", bucket_percentile(work.pass_text_counts, 0.99)}}},
          {"tokens_per_pass", ratio(static_cast<double>(work.tokens), passes)},
          {"ms_per_pass", ratio(static_cast<double>(work.microseconds) / 1e3, passes)},
          {"tokens_per_second_of_pass",
           ratio(static_cast<double>(work.tokens) * 1e6, static_cast<double>(work.microseconds))},
          {"queue_wait_ms",
           {{"p50", bucket_percentile(work.wait_counts, 0.5) / 1e3},
            {"p99", bucket_percentile(work.wait_counts, 0.99) / 1e3}}},
          {"cached_texts", work.cached},
          {"shared_texts", work.shared},
          {"refused_calls", work.refused},
          {"cancelled_calls", work.cancelled}};
}

Json describe_memory(const DaemonLook& before, const ObservedDaemon& daemon,
                     const DaemonLook& after) {
  return {{"resident_mb",
           {{"before", megabytes(before.resident_bytes)},
            {"peak", megabytes(daemon.peak_resident_bytes())},
            {"after", megabytes(after.resident_bytes)}}},
          {"own_mb",
           {{"before", megabytes(before.own_bytes)},
            {"peak", megabytes(daemon.peak_own_bytes())},
            {"after", megabytes(after.own_bytes)}}}};
}

Status publish(const Json& report, const std::string& json_path) {
  if (json_path == "-") {
    fmt::print("{}\n", to_line(report));
    return {};
  }
  fmt::print("| what | figure |\n|---|---:|\n");
  print_rows("", report);
  if (json_path.empty()) return {};
  std::ofstream file(json_path);
  file << to_line(report) << '\n';
  file.flush();
  if (!file.good()) return make_error(ErrorCode::io, "cannot write '{}'", json_path);
  return {};
}

}  // namespace runed::bench
