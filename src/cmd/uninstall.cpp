#include "cmd/uninstall.hpp"

#include <memory>
#include <optional>
#include <ostream>

#include "bootstrap/install/install_lock.hpp"
#include "bootstrap/install/uninstall.hpp"
#include "cmd/line/flag_set.hpp"
#include "cmd/line/note.hpp"
#include "cmd/line/removed_items.hpp"
#include "cmd/line/running_variant.hpp"
#include "os/file/file_lock.hpp"
#include "os/file/files.hpp"

namespace runed::cmd {
namespace {

constexpr const char* kExamples =
    "  runed uninstall f16\n"
    "  runed uninstall qwen3-embedding-0.6b.q8_0 --dry-run";

// What will come of it: it is removed although something names it, since that is what was asked for.
void note_consequences(const bootstrap::Uninstall& uninstall, const Location& location,
                       const UninstallFlags& flags, Services& services) {
  const auto note = [&](const std::string& text) { services.err << format_note(text, flags.json); };
  const std::string& variant = uninstall.item.name;
  for (const std::string& place : uninstall.named_by) {
    note(fmt::format("{} still names {}", place, variant));
  }
  if (!uninstall.is_default) return;
  note(flags.dry_run ? fmt::format("{} is served where no model is named", variant)
                     : fmt::format("{} was served where no model is named; now {}", variant,
                                   bootstrap::describe_default(location.paths, location.settings)));
}

}  // namespace

Result<ExitCode> run_uninstall(const UninstallFlags& flags, Services& services) {
  if (flags.name.empty()) {
    return make_error(ErrorCode::usage, "no variant is named")
        .with_hint("'runed install --list' tells what is installed");
  }
  TRY_ASSIGN(const auto found, locate_anyway(flags.location, services, HomeUse::change));
  const auto& [location, faults] = found;
  note_faults(faults, flags.json, services);
  const bootstrap::Paths& paths = location.paths;
  std::optional<os::FileLock> lock;
  if (!flags.dry_run && os::exists(paths.home)) {
    TRY_ASSIGN(lock, bootstrap::try_install_lock(paths));
  }
  TRY_ASSIGN(const std::string running, find_running_variant(location, services));
  TRY_ASSIGN(const auto uninstall,
             bootstrap::plan_uninstall(paths, location.settings, flags.name, running));
  if (!flags.dry_run) TRY(bootstrap::collect(paths, {uninstall.item}));
  note_consequences(uninstall, location, flags, services);
  print_removed({uninstall.item}, {.is_plan = flags.dry_run, .as_json = flags.json}, services);
  return ExitCode::ok;
}

Runner define_uninstall(FlagSet& set) {
  auto flags = std::make_shared<UninstallFlags>();
  set.footer(kExamples);
  set.add_option("NAME", flags->name, "The variant, in full or its last part").required();
  set.add_flag("--dry-run", flags->dry_run, "Tell what would be removed, and remove nothing");
  set.add_flag("--json", flags->json, "Print one JSON document; also for errors");
  add_location_flags(set, flags->location);
  return [flags](Services& services) { return run_uninstall(*flags, services); };
}

}  // namespace runed::cmd
