#include "cmd/verify.hpp"

#include <algorithm>
#include <memory>
#include <ostream>
#include <vector>

#include "base/json.hpp"
#include "base/text.hpp"
#include "bootstrap/config/home.hpp"
#include "bootstrap/fetch/url.hpp"
#include "bootstrap/install/install.hpp"
#include "bootstrap/install/install_lock.hpp"
#include "bootstrap/install/verify.hpp"
#include "bootstrap/manifest/manifest_source.hpp"
#include "bootstrap/manifest/variant.hpp"
#include "bootstrap/use/ready_model.hpp"
#include "cmd/line/flag_set.hpp"
#include "cmd/line/progress.hpp"
#include "daemon/models/engine_factory.hpp"
#include "embed/self_test.hpp"

namespace runed::cmd {
namespace {

using bootstrap::Check;
using bootstrap::Manifest;
using bootstrap::Part;
using Outcome = bootstrap::Check::Outcome;

constexpr const char* kExamples =
    "  runed verify\n"
    "  runed verify --deep\n"
    "  runed verify --fix --json";

/// What one run works with.
struct Work {
  const VerifyFlags& flags;
  Services& services;
  Location location;
  LongWork long_work;
};

Check failed(std::string name, std::string subject, const Error& error) {
  return {std::move(name), std::move(subject), Outcome::failed, error.message};
}

std::string subject_of(const bootstrap::ModelChoice& choice) {
  return choice.variant.empty() ? choice.path : choice.variant;
}

// Reads the header and the vocabulary, which the gate refuses if vectors would be wrong.
Check check_header(const std::string& subject, const bootstrap::ReadyModel& model,
                   const bootstrap::Settings& settings) {
  const auto vocabulary = daemon::load_vocabulary(model);
  Status served =
      vocabulary ? daemon::check_native(model, settings).served : Status(vocabulary.error());
  // What is set of the CPU is no fault of the model.
  if (vocabulary && !served && served.error().code == ErrorCode::invalid_argument) served = {};
  if (!served && settings.engine.value != bootstrap::EngineKind::native &&
      daemon::is_for_another_engine(served.error())) {
    return {"header", subject, Outcome::unknown,
            "only llama-server may serve it: " + served.error().message};
  }
  if (!served) return failed("header", subject, served.error());
  return {"header", subject, Outcome::passed,
          fmt::format("{} can be served", vocabulary->model.model_name)};
}

Result<std::vector<Check>> self_test(Work& work, const std::string& subject,
                                     const bootstrap::ReadyModel& model) {
  const auto& [paths, settings] = work.location;
  TRY_ASSIGN(const auto direct,
             daemon::make_direct_engine(paths, settings, work.services.environment, model,
                                        work.services.clock));
  TRY(direct.engine->start());
  TRY_ASSIGN(const auto results,
             embed::run_self_test(*direct.engine, work.long_work.watch().is_cancelled));
  std::vector<Check> checks;
  for (const auto& result : results) {
    checks.push_back(
        {result.name, subject, result.passed ? Outcome::passed : Outcome::failed, result.detail});
  }
  return checks;
}

// Whether the manifest has it, as far as one is here.
bool can_be_fetched(const Work& work, const bootstrap::ModelChoice& choice) {
  if (choice.kind != bootstrap::ModelChoice::Kind::variant) return false;
  const auto& [paths, settings] = work.location;
  const auto manifest = bootstrap::load_local_manifest(paths, settings.manifest.value);
  if (!manifest) return true;
  return choice.variant.empty()
             ? !manifest->default_model().empty()
             : bootstrap::find_variant(manifest->variants(), choice.variant).has_value();
}

// The model that would be served now.
Result<std::vector<Check>> check_chosen_model(Work& work) {
  const auto& [paths, settings] = work.location;
  auto choice = bootstrap::choose_model(paths, settings);
  if (!choice) return std::vector{failed("choice", "", choice.error())};
  const std::string subject = subject_of(*choice);
  const auto ready = bootstrap::check_model(paths, settings, *choice, work.long_work.watch(),
                                            daemon::inspect_model);
  if (!ready) {
    if (ready.error().code == ErrorCode::cancelled) return ready.error();
    Check check = failed("choice", subject, ready.error());
    check.can_be_fixed = can_be_fetched(work, *choice);
    return std::vector{std::move(check)};
  }
  std::vector<Check> checks{check_header(subject, *ready, settings)};
  if (!work.flags.deep || checks.front().outcome == Outcome::failed) return checks;
  work.long_work.doing = "self-test";
  auto deep = self_test(work, subject, *ready);
  if (!deep && deep.error().code == ErrorCode::cancelled) return deep;
  if (!deep) deep = std::vector{failed("self_test", subject, deep.error())};
  checks.insert(checks.end(), deep->begin(), deep->end());
  return checks;
}

Result<std::vector<Check>> check_all(Work& work) {
  const auto& [paths, settings] = work.location;
  // Of a home that others can change, or that is none, nothing else is worth knowing.
  if (const Status home = bootstrap::check_directories(paths); !home) {
    Check check = failed("home", paths.home, home.error());
    check.detail += "; " + home.error().hint;
    return std::vector{std::move(check)};
  }
  const auto manifest = bootstrap::load_local_manifest(paths, settings.manifest.value);
  work.long_work.doing = "hashing";
  TRY_ASSIGN(auto checks, bootstrap::verify_files(paths, manifest ? &*manifest : nullptr,
                                                  work.long_work.watch()));
  TRY_ASSIGN(const auto chosen, check_chosen_model(work));
  checks.insert(checks.end(), chosen.begin(), chosen.end());
  return checks;
}

bool has_failed(const Check& check) {
  return check.outcome == Outcome::failed;
}

// Installs one thing again. What the manifest does not have stays as it is: the check goes on
// failing, and says why.
Status reinstall(Work& work, const Manifest& manifest, const Check& check) {
  const bool is_model = check.name == "model";
  const bootstrap::InstallHooks hooks{
      .watch = work.long_work.watch(), .on_activity = {}, .inspect = daemon::inspect_model};
  work.long_work.doing = is_model ? check.subject : "llama-server";
  if (is_model && !manifest.model(check.subject)) {
    hooks.watch.event(fmt::format("the manifest '{}' has no '{}' to install again",
                                  bootstrap::display_url(manifest.source()), check.subject));
    return {};
  }
  TRY(bootstrap::install(work.location.paths, manifest,
                         {.parts = {is_model ? Part::model : Part::llama_server},
                          .variant = is_model ? check.subject : ""},
                         {}, work.services.clock, hooks));
  return {};
}

bool is_reinstallable(const Check& check) {
  return has_failed(check) && (check.name == "model" || check.name == "llama_server");
}

// A file that is as it was installed, and cannot be served, stays so; and so does what no manifest has.
bool is_fixable(const Check& check) {
  return has_failed(check) && check.can_be_fixed;
}

Status fix(Work& work, const std::vector<Check>& checks) {
  const auto& [paths, settings] = work.location;
  const bootstrap::Watch watch = work.long_work.watch();
  TRY(bootstrap::check_directories(paths));  // Before a lock is put there.
  {
    TRY_ASSIGN(const os::FileLock lock, bootstrap::acquire_install_lock(paths, watch));
    TRY(bootstrap::repair_files(paths));
  }
  if (std::ranges::any_of(checks, is_reinstallable)) {
    work.long_work.doing = "manifest";
    TRY_ASSIGN(const Manifest manifest,
               bootstrap::load_manifest(paths, settings.manifest.value, {}, watch));
    for (const Check& check : checks) {
      if (is_reinstallable(check)) TRY(reinstall(work, manifest, check));
    }
  }
  // What is to be served may never have been installed.
  const auto choice = bootstrap::choose_model(paths, settings);
  if (!choice) return {};  // The check of this name goes on failing, and says why.
  work.long_work.doing = "model";
  TRY(bootstrap::ensure_model(
      paths, settings, *choice, {}, work.services.clock,
      {.watch = watch, .on_activity = {}, .inspect = daemon::inspect_model}));
  return {};
}

void print(Work& work, const std::vector<Check>& checks) {
  work.long_work.progress.clear();
  const auto failures = std::ranges::count_if(checks, has_failed);
  if (work.flags.json) {
    Json all = Json::array();
    for (const Check& check : checks) {
      all.push_back({{"name", check.name},
                     {"subject", check.subject},
                     {"outcome", bootstrap::name_of(check.outcome)},
                     {"detail", check.detail}});
    }
    work.services.out << to_line(Json{{"failed", failures},
                                      {"checks", all},
                                      {"notes", work.long_work.progress.notes()}})
                      << "\n";
    return;
  }
  for (const Check& check : checks) {
    work.services.out << escape_invalid_utf8(
        fmt::format("{:<7} {:<16} {}{}{}\n", bootstrap::name_of(check.outcome), check.name,
                    check.subject, check.subject.empty() ? "" : ": ", check.detail));
  }
  if (std::ranges::any_of(checks, is_fixable) && !work.flags.fix) {
    work.services.err << "hint: 'runed verify --fix' installs again what is broken\n";
  }
}

Result<ExitCode> verify(Work& work) {
  TRY_ASSIGN(std::vector<Check> checks, check_all(work));
  Status fixed;
  if (work.flags.fix && std::ranges::any_of(checks, has_failed)) {
    fixed = fix(work, checks);
    TRY_ASSIGN(checks, check_all(work));
  }
  print(work, checks);
  TRY(fixed);
  return std::ranges::any_of(checks, has_failed) ? ExitCode::integrity : ExitCode::ok;
}

}  // namespace

Result<ExitCode> run_verify(const VerifyFlags& flags, Services& services) {
  TRY_ASSIGN(Location location, locate(flags.location, {}, services, HomeUse::look));
  Work work{.flags = flags,
            .services = services,
            .location = std::move(location),
            .long_work = {.progress = Progress(services.err,
                                               flags.json ? Display::none : display_of(services),
                                               services.clock),
                          .signals = services.signals,
                          .fetches = flags.fix}};
  auto verified = verify(work);
  work.long_work.progress.clear();
  if (!verified) return work.long_work.explain(std::move(verified).error());
  return verified;
}

Runner define_verify(FlagSet& set) {
  auto flags = std::make_shared<VerifyFlags>();
  set.footer(kExamples);
  set.add_flag("--deep", flags->deep, "Also load the model and test its vectors");
  set.add_flag("--fix", flags->fix, "Install again what is broken");
  set.add_flag("--json", flags->json, "Print one JSON document; also for errors");
  add_location_flags(set, flags->location);
  return [flags](Services& services) { return run_verify(*flags, services); };
}

}  // namespace runed::cmd
