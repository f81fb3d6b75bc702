#include "cmd/doctor.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/text.hpp"
#include "bootstrap/config/home.hpp"
#include "bootstrap/install/installed.hpp"
#include "bootstrap/install/record.hpp"
#include "bootstrap/manifest/manifest_source.hpp"
#include "bootstrap/use/model_choice.hpp"
#include "bootstrap/use/ready_llama_server.hpp"
#include "cmd/doctor/doctor_daemon.hpp"
#include "cmd/line/flag_set.hpp"
#include "daemon/models/engine_choice.hpp"
#include "daemon/models/engine_factory.hpp"
#include "embed/model/builtin_model.hpp"
#include "embed/model/model_file.hpp"
#include "os/directory/disk_space.hpp"
#include "os/machine/cpus.hpp"
#include "os/machine/memory.hpp"
#include "os/net/socket_path.hpp"

namespace runed::cmd {
namespace {

using bootstrap::EngineKind;
using bootstrap::ModelChoice;
using bootstrap::Settings;

constexpr uint64_t kMib = uint64_t{1} << 20;
constexpr uint64_t kLeastDisk = 64 * kMib;    // For logs and records; a download checks its own.
constexpr uint64_t kWorkMemory = 128 * kMib;  // Of an engine, besides the model file.

constexpr const char* kExamples =
    "  runed doctor\n"
    "  runed doctor --json";

Finding check_configuration(const Settings& settings) {
  std::vector<std::string> set;
  const Json config = bootstrap::to_json(settings);
  for (const auto& [key, setting] : config.items()) {
    if (setting["origin"] == "default") continue;
    const Json& value = setting["value"];
    set.push_back(fmt::format("{} {} (from {})", key,
                              value.is_string() ? value.get<std::string>() : to_line(value),
                              setting["origin"].get<std::string>()));
  }
  return {"configuration", Outcome::ok,
          set.empty() ? "every value is its default" : fmt::format("{}", fmt::join(set, ", "))};
}

Finding check_cpu(const Settings& settings) {
  const auto arithmetic = daemon::native_arithmetic(settings);
  if (!arithmetic) return problem("cpu", arithmetic.error());
  const auto& names = arithmetic->kernels;
  const std::string_view name = arithmetic->kernel;
  std::string detail = fmt::format("{} of {}", name, fmt::join(names, ", "));
  if (name != names.front()) {
    return {"cpu", Outcome::warning, std::move(detail),
            fmt::format("leave --cpu and RUNED_CPU out: {} is faster", names.front())};
  }
  if (names.size() == 1) {
    return {"cpu", Outcome::warning, std::move(detail),
            "this CPU has no AVX2, or a virtual machine hides it: let it through (-cpu host)"};
  }
  return {"cpu", Outcome::ok, std::move(detail)};
}

// Called where the instruction set is one that there is.
Finding check_compute(const Settings& settings) {
  const auto arithmetic = daemon::native_arithmetic(settings);
  if (!arithmetic) return problem("compute", arithmetic.error());
  const auto asked = bootstrap::name_of(settings.compute.value);
  const auto& modes = arithmetic->formats;
  std::string detail = fmt::format("{} of {}", asked, fmt::join(modes, ", "));
  if (settings.compute.value == bootstrap::NumberFormat::auto_select ||
      std::ranges::find(modes, asked) != modes.end()) {
    return {"compute", Outcome::ok, std::move(detail)};
  }
  return {"compute", Outcome::problem, std::move(detail),
          "the instruction set lacks the mode: name one that it has, or auto"};
}

Finding check_threads(const Settings& settings) {
  const unsigned cpus = os::available_cpus();
  const uint32_t threads = settings.threads.value.value_or(std::min(cpus, bootstrap::kMostThreads));
  std::string detail = fmt::format("{} on {} CPUs", threads, cpus);
  if (threads <= cpus) return {"threads", Outcome::ok, std::move(detail)};
  return {"threads", Outcome::warning, std::move(detail),
          "threads that wait for each other's CPU are slower than fewer: leave the number out"};
}

// Whether it is refused, or else whether a daemon could use it. One that runs already can.
Finding check_home(const bootstrap::Paths& paths, bool is_in_use) {
  if (const Status fit = bootstrap::check_directories(paths); !fit) {
    return problem("home", fit.error());
  }
  if (const Status usable = bootstrap::check_usable(paths); !usable) {
    Finding finding = problem("home", usable.error());
    if (is_in_use) {
      finding.outcome = Outcome::warning;
      finding.detail = fmt::format("the next daemon {}", finding.detail);
    }
    return finding;
  }
  if (!os::exists(paths.home)) {
    return {"home", Outcome::ok,
            fmt::format("'{}' is not there yet, and is made when it is needed", paths.home)};
  }
  const auto free = os::free_disk_bytes(paths.home);
  if (!free) return problem("home", free.error());
  std::string detail = fmt::format("'{}', which only this user can change, with {} of disk free",
                                   paths.home, format_bytes(*free));
  if (*free >= kLeastDisk) return {"home", Outcome::ok, std::move(detail)};
  return {"home", Outcome::warning, std::move(detail),
          "make room: 'runed gc --dry-run' lists what nobody uses"};
}

/// The model that would be served now, as far as it is known without reading it.
struct Model {
  Finding finding;
  std::optional<bootstrap::ReadyModel> ready{};  // None where there is none to be looked at.
  uint64_t size_bytes = 0;
};

Finding judge_file(const ModelChoice& choice, const std::string& promised,
                   const std::optional<std::string>& digest) {
  if (choice.kind == ModelChoice::Kind::file || promised.empty()) {
    return {"model", Outcome::ok,
            fmt::format("'{}', which nothing here has a digest of", choice.path)};
  }
  if (!digest.has_value()) {
    return {"model", Outcome::warning,
            fmt::format("{} was touched, or never read, since it was installed", choice.variant),
            "'runed verify' reads it and compares"};
  }
  if (*digest != promised) {
    return {"model", Outcome::problem, fmt::format("{} is not what was installed", choice.variant),
            fmt::format("'runed install --variant {}' fetches it again", choice.variant)};
  }
  return {"model", Outcome::ok, fmt::format("{}, as it was installed", choice.variant)};
}

Model check_model(const Location& location) {
  const auto& [paths, settings] = location;
  const auto choice = bootstrap::choose_model(paths, settings);
  if (!choice) return {problem("model", choice.error())};
  if (choice->kind == ModelChoice::Kind::builtin) {
    return {{"model", Outcome::ok,
             choice->origin == bootstrap::Origin::default_value
                 ? fmt::format("the built-in {}: 'runed install' fetches a better one",
                               embed::builtin_model_name())
                 : fmt::format("the built-in {}", embed::builtin_model_name())},
            bootstrap::ReadyModel{.variant = choice->variant},
            embed::builtin_model().size()};
  }
  if (!choice->is_installed()) {
    const std::string name =
        choice->variant.empty() ? "the manifest's default model" : choice->variant;
    return {{"model", Outcome::warning,
             fmt::format("{} is not installed: the daemon fetches it when it starts", name),
             "'runed install' does so now"}};
  }
  const auto file = embed::identity_at(choice->path);
  if (!file) return {problem("model", file.error())};
  const auto installed = bootstrap::Installed::load(paths.installed_file);
  if (!installed) return {problem("model", installed.error())};
  const auto entry = installed->variants.find(choice->variant);
  const auto digest = bootstrap::Record(paths.record_file).find_model(choice->path);
  Model model{.finding = judge_file(
                  *choice, entry == installed->variants.end() ? "" : entry->second.sha256, digest),
              .size_bytes = file->size_bytes};
  if (model.finding.outcome == Outcome::problem) return model;
  // An engine would read the whole file for its digest; nothing here depends on it.
  const std::string no_digest(64, '0');
  model.ready = {.variant = choice->variant,
                 .path = choice->path,
                 .sha256 = digest.value_or(no_digest),
                 .file = *file,
                 .published = bootstrap::published_models(paths, settings)};
  return model;
}

// Whether all that an engine lacks is a llama-server, and that is in the manifest, as far as one is
// here.
bool is_fetched_by_daemon(const Location& location, const Error& error) {
  const auto& [paths, settings] = location;
  if (error.code != ErrorCode::not_found && !error.facts.has(fact::kMissing)) return false;
  const auto manifest = bootstrap::load_local_manifest(paths, settings.manifest.value);
  return !manifest || manifest->llama_server(bootstrap::platform_name());
}

// Which engine it is to be, and for native the arithmetic. Its start maps the model, and reads no
// more of it than header and vocabulary.
Finding check_engine(const Location& location, const bootstrap::ReadyModel& model,
                     const Services& services) {
  const auto& [paths, settings] = location;
  if (const Status possible = daemon::check_engine(paths, settings, services.environment);
      !possible) {
    return problem("engine", possible.error());
  }
  const auto look = [&] {
    return bootstrap::check_llama_server(paths, settings, services.environment, {});
  };
  auto choice = daemon::choose_engine({.paths = paths,
                                       .settings = settings,
                                       .model = model,
                                       .environment = services.environment,
                                       .get_llama_server = look},
                                      daemon::system_gpu_probe());
  if (!choice && is_fetched_by_daemon(location, choice.error())) {
    return {"engine", Outcome::warning,
            "llama-server, which is not installed: the daemon fetches it when it starts",
            "'runed install --engine-only' does so now"};
  }
  if (!choice) return problem("engine", choice.error());
  client::InfoReport would_tell{.engine = std::string(name_of(choice->engine)),
                                .engine_reason = choice->reason};
  if (choice->engine == EngineKind::llama_server) {
    return {"engine", Outcome::ok, describe_engine(would_tell)};
  }
  auto engine = daemon::make_engine({.model = model, .choice = *std::move(choice), .places = {}},
                                    settings, services.clock);
  if (!engine) return problem("engine", engine.error());
  if (const Status started = (*engine)->start(); !started) {
    return problem("engine", started.error());
  }
  would_tell.compute = (*engine)->info().compute;
  would_tell.kernel = (*engine)->info().kernel;
  return {"engine", Outcome::ok, describe_engine(would_tell)};
}

Finding check_llama_server(const Location& location, const Services& services) {
  const auto& [paths, settings] = location;
  const auto faulty = [&](const Error& error) {
    const bool is_wanted = settings.llama_server.value.has_value() ||
                           settings.engine.value == EngineKind::llama_server;
    Finding finding = problem("llama-server", error);
    if (!is_wanted) finding.outcome = Outcome::warning;
    return finding;
  };
  const auto executable = bootstrap::check_llama_server(paths, settings, services.environment, {});
  if (!executable && executable.error().code == ErrorCode::not_found) {
    return {"llama-server", Outcome::ok, "none is installed; the native engine needs none"};
  }
  if (!executable) return faulty(executable.error());
  const auto build = daemon::ask_llama_server(*executable);
  if (!build) return faulty(build.error());
  return {"llama-server", Outcome::ok,
          fmt::format("'{}' {}, {}", *executable, build->version,
                      build->has_gpu ? fmt::format("with {}", fmt::join(build->devices, ", "))
                                     : "without a GPU")};
}

Finding check_memory(uint64_t model_bytes) {
  const uint64_t available = os::available_bytes();
  std::string detail = fmt::format("{} available, the model has {}", format_bytes(available),
                                   format_bytes(model_bytes));
  if (available == 0 || available >= model_bytes + kWorkMemory) {
    return {"memory", Outcome::ok, std::move(detail)};
  }
  return {"memory", Outcome::warning, std::move(detail),
          "the model would be read from the disk again and again: end other programs, or install "
          "a smaller variant"};
}

std::vector<Finding> check_machine(const Settings& settings) {
  std::vector<Finding> findings;
  if (settings.engine.value != bootstrap::EngineKind::llama_server) {  // To that they say nothing.
    findings.push_back(check_cpu(settings));
    if (findings.back().outcome != Outcome::problem) {
      findings.push_back(check_compute(settings));
    }
  }
  findings.push_back(check_threads(settings));
  return findings;
}

std::vector<Finding> check_serving(const Location& location, const Model& model,
                                   const Services& services) {
  std::vector<Finding> findings{model.finding};
  if (model.ready.has_value()) {
    findings.push_back(check_engine(location, *model.ready, services));
    findings.push_back(check_memory(model.size_bytes));
  }
  return findings;
}

bool serves(const client::InfoReport& running, const Model& model) {
  if (!model.ready.has_value()) return false;
  return model.ready->path.empty() ? running.variant == model.ready->variant
                                   : running.model_sha256 == model.ready->sha256;
}

// What the next daemon would have otherwise than the one that runs, or what is wrong with it. Now
// it keeps nobody from embedding.
std::vector<Finding> check_next(const Location& location, const client::InfoReport& running,
                                const Services& services) {
  const Model model = check_model(location);
  std::vector<Finding> findings = check_machine(location.settings);
  std::ranges::move(check_serving(location, model, services), std::back_inserter(findings));
  std::erase_if(findings, [&](const Finding& finding) {
    if (finding.outcome != Outcome::ok) return false;
    if (finding.name == "model") return serves(running, model);
    return finding.name != "engine" || finding.detail == describe_engine(running);
  });
  for (Finding& finding : findings) {
    finding.name.insert(0, "next ");
    if (finding.outcome == Outcome::problem) finding.outcome = Outcome::warning;
  }
  return findings;
}

std::vector<Finding> examine(const Result<LocationFound>& found, const Services& services) {
  if (!found) return {problem("configuration", found.error())};
  const auto& [location, faults] = *found;
  std::vector<Finding> findings;
  const auto add = [&findings](std::vector<Finding> more) {
    std::ranges::move(more, std::back_inserter(findings));
  };
  for (const Error& fault : faults) findings.push_back(problem("configuration", fault));
  if (faults.empty()) findings.push_back(check_configuration(location.settings));
  DaemonLook look = look_at_daemon(location, services);
  const bool runs = look.running.has_value();
  if (!runs) add(check_machine(location.settings));
  findings.push_back(check_home(location.paths, runs));
  const bool is_ours = findings.back().outcome != Outcome::problem;
  add(std::move(look.findings));
  if (!is_ours) return findings;  // What is in it is neither trusted nor run.
  add(runs ? check_next(location, *look.running, services)
           : check_serving(location, check_model(location), services));
  findings.push_back(check_llama_server(location, services));
  return findings;
}

void print(const std::vector<Finding>& findings, bool json, std::ostream& out) {
  Json all = Json::array();
  for (const auto& [name, outcome, detail, advice] : findings) {
    if (json) {
      all.push_back(
          {{"name", name}, {"outcome", name_of(outcome)}, {"detail", detail}, {"advice", advice}});
      continue;
    }
    std::string lines = fmt::format("{:<7} {:<13} {}\n", name_of(outcome), name, detail);
    if (!advice.empty()) lines += fmt::format("{:21} to do: {}\n", "", advice);
    out << escape_invalid_utf8(lines);
  }
  if (!json) return;
  const auto count = [&](Outcome outcome) {
    return std::ranges::count(findings, outcome, &Finding::outcome);
  };
  out << to_line(Json{{"problems", count(Outcome::problem)},
                      {"warnings", count(Outcome::warning)},
                      {"checks", all}})
      << "\n";
}

}  // namespace

Result<ExitCode> run_doctor(const DoctorFlags& flags, Services& services) {
  const auto findings = examine(locate_anyway(flags.location, services, HomeUse::look), services);
  print(findings, flags.json, services.out);
  const bool is_sick =
      std::ranges::find(findings, Outcome::problem, &Finding::outcome) != findings.end();
  return is_sick ? ExitCode::problem_found : ExitCode::ok;
}

Runner define_doctor(FlagSet& set) {
  auto flags = std::make_shared<DoctorFlags>();
  set.footer(kExamples);
  set.add_flag("--json", flags->json, "Print one JSON document");
  add_location_flags(set, flags->location);
  return [flags](Services& services) { return run_doctor(*flags, services); };
}

}  // namespace runed::cmd
