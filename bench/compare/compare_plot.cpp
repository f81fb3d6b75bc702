#include <fmt/format.h>

#include <algorithm>

#include "compare_report.hpp"

namespace runed::bench {
namespace {

constexpr double kWidth = 860;
constexpr double kMargin = 20;
constexpr double kBarsLeft = 150;
constexpr double kBarsRight = 700;  // Right of it there is room for the longest bar's figures.
constexpr double kBar = 12;
constexpr double kWorkload = 34;  // Two bars and the room below them.
constexpr double kHeading = 30;
constexpr double kTop = 74;

// The colours are of the viewer's scheme; the ground is drawn, so that they fit wherever it is
// shown.
constexpr const char* kStyle = R"(<style>
svg { font: 12px system-ui, sans-serif }
.ground { fill: #ffffff } text { fill: #1f2328 } .quiet { fill: #59636e }
.llama { fill: #a8b1bb } .runed { fill: #0b6bcb } .line { stroke: #d1d9e0 }
.title { font-size: 15px; font-weight: 600 } .strong { font-weight: 600 }
@media (prefers-color-scheme: dark) {
.ground { fill: #0d1117 } text { fill: #f0f6fc } .quiet { fill: #9198a1 }
.llama { fill: #59636e } .runed { fill: #4493f8 } .line { stroke: #3d444d }
}
</style>
)";

struct Pair {
  std::string name;
  double llama = 0;  // Tokens per second, as the next.
  double runed = 0;
};

struct Group {
  std::string name;
  std::vector<Pair> pairs;
};

// Names come from a file that people may have edited.
std::string escaped(const std::string& text) {
  std::string safe;
  for (const char letter : text) {
    switch (letter) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      default:
        safe += letter;
    }
  }
  return safe;
}

std::vector<Group> read_groups(const Json& results) {
  std::vector<Group> groups;
  for (const Json& model : results.at("models")) {
    const auto& contenders = model.at("contenders");
    const auto ours = std::ranges::find_if(contenders, [](const Json& contender) {
      return contender.at("engine").get<std::string>() == "runed";
    });
    if (ours == contenders.end()) continue;
    Group group{.name = fmt::format("{}, {}", model.at("type").get<std::string>(),
                                    ours->at("name").get<std::string>()),
                .pairs = {}};
    for (size_t i = 0; i < ours->at("workloads").size(); ++i) {
      const Json& workload = ours->at("workloads").at(i);
      const double thousands = workload.at("tokens").get<double>() * 1e3;
      group.pairs.push_back({.name = workload.at("name").get<std::string>(),
                             .llama = thousands / best_peer(model, *ours, i).wall_ms,
                             .runed = thousands / workload.at("wall_ms_median").get<double>()});
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

std::string text_at(double x, double y, const char* classes, const std::string& text,
                    const char* anchor = "start") {
  return fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" class=\"{}\" text-anchor=\"{}\">{}</text>\n",
                     x, y, classes, anchor, escaped(text));
}

std::string bar_at(double y, double width, const char* classes) {
  return fmt::format(
      "<rect x=\"{}\" y=\"{:.0f}\" width=\"{:.1f}\" height=\"{}\" rx=\"2\" class=\"{}\"/>\n",
      kBarsLeft, y, std::max(width, 1.0), kBar, classes);
}

std::string draw_pair(const Pair& pair, double y, double pixels_per_token) {
  const double llama = pair.llama * pixels_per_token;
  const double runed = pair.runed * pixels_per_token;
  return text_at(kBarsLeft - 10, y + kBar + 4, "", pair.name, "end") + bar_at(y, runed, "runed") +
         text_at(kBarsLeft + runed + 6, y + kBar - 2, "strong",
                 fmt::format("{:.0f} ({:.1f}×)", pair.runed, pair.runed / pair.llama)) +
         bar_at(y + kBar + 1, llama, "llama") +
         text_at(kBarsLeft + llama + 6, y + 2 * kBar - 1, "quiet",
                 fmt::format("{:.0f}", pair.llama));
}

std::string draw_legend(const Json& model, double y) {
  const auto peers = std::ranges::count_if(model.at("contenders"), [](const Json& contender) {
    return contender.at("engine").get<std::string>() != "runed";
  });
  const bool has_rivals = std::ranges::any_of(model.at("contenders"), [](const Json& contender) {
    return contender.at("engine").get<std::string>() == "rival";
  });
  return fmt::format("<rect x=\"{}\" y=\"{}\" width=\"12\" height=\"12\" class=\"runed\"/>\n",
                     kMargin, y - 10) +
         text_at(kMargin + 18, y, "", "runed") +
         fmt::format("<rect x=\"{}\" y=\"{}\" width=\"12\" height=\"12\" class=\"llama\"/>\n",
                     kMargin + 76, y - 10) +
         text_at(kMargin + 94, y, "",
                 has_rivals
                     ? fmt::format("the fastest of {} peers for each bar", peers)
                     : fmt::format("llama-server, the fastest of {} sets of flags for each bar",
                                   peers));
}

}  // namespace

std::string draw_plot(const Json& results) {
  const std::vector<Group> groups = read_groups(results);
  double most = 1;
  double height = kTop + kMargin;
  for (const Group& group : groups) {
    height += kHeading + kWorkload * static_cast<double>(group.pairs.size());
    for (const Pair& pair : group.pairs) most = std::max({most, pair.llama, pair.runed});
  }
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1:.0f}\" width=\"{0}\" "
      "height=\"{1:.0f}\" role=\"img\">\n<title>Tokens per second of runed and "
      "llama-server</title>\n{2}<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n",
      kWidth, height, kStyle);
  const Json& machine = results.at("machine");
  svg += text_at(
      kMargin, 28, "title",
      fmt::format("Tokens per second, {} threads on {}", results.at("threads").get<unsigned>(),
                  machine.at("cpu").get<std::string>()));
  svg += draw_legend(results.at("models").at(0), 52);
  double y = kTop;
  for (const Group& group : groups) {
    svg += fmt::format("<line x1=\"{}\" x2=\"{}\" y1=\"{:.0f}\" y2=\"{:.0f}\" class=\"line\"/>\n",
                       kMargin, kWidth - kMargin, y, y);
    svg += text_at(kMargin, y + 20, "strong", group.name);
    y += kHeading;
    for (const Pair& pair : group.pairs) {
      svg += draw_pair(pair, y, (kBarsRight - kBarsLeft) / most);
      y += kWorkload;
    }
  }
  return svg + "</svg>\n";
}

}  // namespace runed::bench
