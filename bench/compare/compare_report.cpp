#include "compare_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace runed::bench {
namespace {

constexpr uint64_t kMostQueryTokens = 32;  // What is as short is told in milliseconds.

bool is_query(const Json& workload) {
  return workload.at("tokens").get<uint64_t>() <= kMostQueryTokens;
}

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

bool is_llama(const Json& contender) {
  return text_of(contender, "engine") == "llama-server";
}

std::string ratio_text(double ratio) {
  return ratio < 10 ? fmt::format("{:.2f}x", ratio) : fmt::format("{:.1f}x", ratio);
}

const Json& workloads_of(const Json& model) {
  return model.at("contenders").at(0).at("workloads");
}

std::string cells_of(const Json& model, const Json& contender) {
  std::string cells;
  double least_cosine = 1;
  for (size_t i = 0; i < contender.at("workloads").size(); ++i) {
    const Json& workload = contender.at("workloads").at(i);
    const double wall = wall_of(workload);
    cells += is_query(workload) ? fmt::format(" {:.1f} ms", wall)
                                : fmt::format(" {:.0f}", tokens_of(workload) / wall * 1e3);
    cells += fmt::format(" ({}) |", ratio_text(best_llama(model, i).wall_ms / wall));
    least_cosine = std::min(least_cosine, workload.at("least_cosine").get<double>());
  }
  std::vector<std::string> cpu;
  for (const Json& workload : contender.at("workloads")) {
    cpu.push_back(fmt::format("{:.0f}", cpu_of(workload) / tokens_of(workload) * 1e3));
  }
  const uint64_t megabytes = contender.at("own_bytes").get<uint64_t>() / 1'000'000;
  return cells + fmt::format(" {} | {:.6f} | {} |", fmt::join(cpu, ", "), least_cosine,
                             megabytes == 0 ? "" : fmt::to_string(megabytes));
}

std::string table_of(const Json& model) {
  std::string table = "| contender |";
  std::string line = "| --- |";
  for (const Json& workload : workloads_of(model)) {
    table +=
        fmt::format(" {}, {} |", text_of(workload, "name"), is_query(workload) ? "p50" : "tok/s");
    line += " ---: |";
  }
  table += " CPU ms per 1000 tokens of each | least cosine to f32 | own memory, MB |\n" + line +
           " ---: | ---: | ---: |\n";
  for (const Json& contender : model.at("contenders")) {
    table += fmt::format("| {} |{}\n", text_of(contender, "name"), cells_of(model, contender));
  }
  for (const Json& text : model.at("unavailable")) {
    table += fmt::format("\nNot on this machine: {}.\n", text.get<std::string>());
  }
  return table;
}

// One row for each model and mode of ours: how many times as fast as the best llama-server.
std::string summary_of(const Json& results) {
  std::string table = "| model, engine |";
  std::string line = "| --- |";
  for (const Json& workload : workloads_of(results.at("models").at(0))) {
    table += fmt::format(" {} |", text_of(workload, "name"));
    line += " ---: |";
  }
  table += "\n" + line + "\n";
  for (const Json& model : results.at("models")) {
    for (const Json& contender : model.at("contenders")) {
      if (is_llama(contender)) continue;
      table += fmt::format("| {}, {} |", text_of(model, "type"), text_of(contender, "name"));
      for (size_t i = 0; i < contender.at("workloads").size(); ++i) {
        const Json& workload = contender.at("workloads").at(i);
        const Best best = best_llama(model, i);
        table += fmt::format(" **{}** (CPU {}) |", ratio_text(best.wall_ms / wall_of(workload)),
                             ratio_text(best.cpu_ms / cpu_of(workload)));
      }
      table += "\n";
    }
    table += fmt::format("| {}, the best llama-server |", text_of(model, "type"));
    for (size_t i = 0; i < workloads_of(model).size(); ++i) {
      std::string name = best_llama(model, i).name;
      table += fmt::format(" {} |", name.substr(name.find(", ") + 2));
    }
    table += "\n";
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

Best best_llama(const Json& model, size_t workload) {
  Best best{.wall_ms = std::numeric_limits<double>::quiet_NaN()};
  for (const Json& contender : model.at("contenders")) {
    if (!is_llama(contender)) continue;
    const Json& found = contender.at("workloads").at(workload);
    if (wall_of(found) >= best.wall_ms) continue;
    best = {text_of(contender, "name"), wall_of(found), cpu_of(found)};
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
