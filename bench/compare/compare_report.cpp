#include "compare_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace runed::bench {
namespace {

constexpr double kMostMilliseconds = 100;  // What takes longer is told in tokens per second.

double wall_of(const Json& workload) {
  return workload.at("wall_ms_median").get<double>();
}

double cpu_of(const Json& workload) {
  return workload.at("cpu_ms_median").get<double>();
}

double tokens_of(const Json& workload) {
  return workload.at("tokens").get<double>();
}

std::string text_of(const Json& of, const char* key) {
  return of.at(key).get<std::string>();
}

bool is_ours(const Json& contender) {
  return text_of(contender, "engine") == "runed";
}

bool is_rival(const Json& contender) {
  return text_of(contender, "engine") == "rival";
}

bool has_rivals(const Json& model) {
  return std::ranges::any_of(model.at("contenders"), is_rival);
}

// The worst of all workloads.
double error_of(const Json& contender) {
  double error = 0;
  for (const Json& workload : contender.at("workloads")) {
    error = std::max(error, 1 - workload.at("least_cosine").get<double>());
  }
  return error;
}

// The error that a peer may have whose times count beside these.
double grade_of(const Json& contender) {
  constexpr double kExact = 1e-5;
  constexpr double kPromised = 1e-3;
  const double error = error_of(contender);
  if (error <= kExact) return kExact;
  return error <= kPromised ? kPromised : std::numeric_limits<double>::infinity();
}

std::string ratio_text(double ratio) {
  return ratio < 10 ? fmt::format("{:.2f}x", ratio) : fmt::format("{:.1f}x", ratio);
}

const Json& workloads_of(const Json& model) {
  return model.at("contenders").at(0).at("workloads");
}

// One unit a column.
bool is_in_milliseconds(const Json& model, size_t workload) {
  return wall_of(workloads_of(model).at(workload)) < kMostMilliseconds;
}

std::string figure_of(const Json& model, size_t i, const Json& workload) {
  const double wall = wall_of(workload);
  if (!is_in_milliseconds(model, i)) return fmt::format("{:.0f}", tokens_of(workload) / wall * 1e3);
  return wall < 10 ? fmt::format("{:.2f} ms", wall) : fmt::format("{:.1f} ms", wall);
}

std::string cells_of(const Json& model, const Json& contender) {
  std::string cells;
  for (size_t i = 0; i < contender.at("workloads").size(); ++i) {
    const Json& workload = contender.at("workloads").at(i);
    const double best = best_peer(model, contender, i).wall_ms;
    cells += fmt::format(" {} ({}) |", figure_of(model, i, workload),
                         ratio_text(best / wall_of(workload)));
  }
  std::vector<std::string> cpu;
  for (const Json& workload : contender.at("workloads")) {
    cpu.push_back(fmt::format("{:.0f}", cpu_of(workload) / tokens_of(workload) * 1e3));
  }
  const uint64_t megabytes = contender.at("own_bytes").get<uint64_t>() / 1'000'000;
  return cells + fmt::format(" {} | {:.1e} | {} |", fmt::join(cpu, ", "), error_of(contender),
                             megabytes == 0 ? "" : fmt::to_string(megabytes));
}

std::string table_of(const Json& model) {
  std::string table = "| contender |";
  std::string line = "| --- |";
  for (size_t i = 0; i < workloads_of(model).size(); ++i) {
    table += fmt::format(" {}, {} |", text_of(workloads_of(model).at(i), "name"),
                         is_in_milliseconds(model, i) ? "p50" : "tok/s");
    line += " ---: |";
  }
  table += " CPU ms per 1000 tokens of each | worst 1-cosine to f32 | own memory, MB |\n" + line +
           " ---: | ---: | ---: |\n";
  for (const Json& contender : model.at("contenders")) {
    table += fmt::format("| {} |{}\n", text_of(contender, "name"), cells_of(model, contender));
  }
  for (const Json& text : model.at("unavailable")) {
    table += fmt::format("\nNot on this machine: {}.\n", text.get<std::string>());
  }
  return table;
}

std::string peers_of(const Json& model, const Json& contender) {
  std::string row;
  for (size_t i = 0; i < workloads_of(model).size(); ++i) {
    std::string name = best_peer(model, contender, i).name;
    if (!has_rivals(model)) name = name.substr(name.find(", ") + 2);  // All are llama-servers.
    row += fmt::format(" {} |", name);
  }
  return row + "\n";
}

std::string ratios_of(const Json& model, const Json& contender) {
  std::string row = fmt::format("| {}, {} |", text_of(model, "type"), text_of(contender, "name"));
  for (size_t i = 0; i < contender.at("workloads").size(); ++i) {
    const Json& workload = contender.at("workloads").at(i);
    const Best best = best_peer(model, contender, i);
    row += fmt::format(" **{}** (CPU {}) |", ratio_text(best.wall_ms / wall_of(workload)),
                       ratio_text(best.cpu_ms / cpu_of(workload)));
  }
  return row + "\n";
}

// One row for each model and mode of ours: how many times as fast as the best peer.
std::string summary_of(const Json& results) {
  std::string table = "| model, engine |";
  std::string line = "| --- |";
  for (const Json& workload : workloads_of(results.at("models").at(0))) {
    table += fmt::format(" {} |", text_of(workload, "name"));
    line += " ---: |";
  }
  table += "\n" + line + "\n";
  for (const Json& model : results.at("models")) {
    const Json* last = nullptr;
    for (const Json& contender : model.at("contenders")) {
      if (!is_ours(contender)) continue;
      table += ratios_of(model, contender);
      // Each has peers of its own where there are rivals.
      if (has_rivals(model)) table += "| its best peer |" + peers_of(model, contender);
      last = &contender;
    }
    if (has_rivals(model) || last == nullptr) continue;
    table += fmt::format("| {}, the best llama-server |", text_of(model, "type")) +
             peers_of(model, *last);
  }
  return table;
}

std::string flags_of(const Json& model) {
  std::string list;
  for (const Json& contender : model.at("contenders")) {
    list += fmt::format("- {}: `{}`\n", text_of(contender, "name"), text_of(contender, "flags"));
  }
  return list;
}

}  // namespace

Best best_peer(const Json& model, const Json& contender, size_t workload) {
  Best best{.wall_ms = std::numeric_limits<double>::quiet_NaN()};
  for (const Json& peer : model.at("contenders")) {
    if (is_ours(peer) || (is_rival(peer) && error_of(peer) > grade_of(contender))) continue;
    const Json& found = peer.at("workloads").at(workload);
    if (wall_of(found) >= best.wall_ms) continue;
    best = {text_of(peer, "name"), wall_of(found), cpu_of(found)};
  }
  return best;
}

std::string make_tables(const Json& results) {
  const Json& machine = results.at("machine");
  std::string text =
      fmt::format("{}, {} cores, {} threads each; llama-server {}; medians of {} rounds\n\n",
                  text_of(machine, "cpu"), machine.at("cores").get<unsigned>(),
                  results.at("threads").get<unsigned>(), text_of(machine, "llama_server"),
                  results.at("rounds").get<unsigned>());
  text += summary_of(results);
  for (const Json& model : results.at("models")) {
    text += fmt::format("\n### {} ({}, {:.0f} MB)\n\n", text_of(model, "type"),
                        text_of(model, "name"), model.at("bytes").get<double>() / 1e6);
    text += table_of(model);
    text += fmt::format("\nMeanwhile other programs kept {:.2f} of the cores busy.\n",
                        model.at("foreign_cores").get<double>());
  }
  return text + "\nFlags, here for the last model:\n\n" + flags_of(results.at("models").back());
}

}  // namespace runed::bench
