#include "cmd/gc.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <ostream>

#include "base/duration.hpp"
#include "bootstrap/install/gc.hpp"
#include "bootstrap/install/install_lock.hpp"
#include "cmd/line/flag_set.hpp"
#include "cmd/line/note.hpp"
#include "cmd/line/removed_items.hpp"
#include "cmd/line/running_variant.hpp"
#include "cmd/line/value_checks.hpp"
#include "os/file/file_lock.hpp"
#include "os/file/files.hpp"

namespace runed::cmd {
namespace {

constexpr int kMostKept = 1000;
constexpr const char* kExamples =
    "  runed gc --dry-run\n"
    "  runed gc --keep 1\n"
    "  runed gc --older-than 30d";

// Go's durations, and days, which are what people think in here.
Result<std::chrono::nanoseconds> parse_age(const std::string& text) {
  unsigned days = 0;
  const char* end = text.data() + text.size();
  const auto [rest, fault] = std::from_chars(text.data(), end, days);
  if (fault == std::errc{} && std::string_view(rest, end) == "d") {
    return std::chrono::hours(24) * std::min(days, 36'500U);
  }
  auto age = parse_duration(text);
  if (age && age->count() >= 0) return age;
  return make_error(ErrorCode::usage, "--older-than: invalid age '{}'", text)
      .with_hint("write a number and a unit, such as 30d or 12h");
}

// What is wrong, and that nothing goes that could be in use by it.
void note_doubts(const GcFlags& flags, std::vector<Error> faults, const std::optional<Error>& doubt,
                 Services& services) {
  if (doubt.has_value()) faults.push_back(*doubt);
  for (const Error& fault : faults) {
    services.err << format_note(
        fmt::format("{}{}; until that is mended, whatever was installed stays", fault.message,
                    fault.hint.empty() ? "" : fmt::format(" ({})", fault.hint)),
        flags.json);
  }
}

}  // namespace

Result<ExitCode> run_gc(const GcFlags& flags, Services& services) {
  TRY_ASSIGN(const auto found, locate_anyway(flags.location, services, HomeUse::change));
  const auto& [location, faults] = found;
  const bootstrap::Paths& paths = location.paths;
  bootstrap::GcOptions options{.keep = static_cast<size_t>(flags.keep),
                               .knows_settings = faults.empty()};
  if (!flags.older_than.empty()) {
    TRY_ASSIGN(options.older_than, parse_age(flags.older_than));
  }
  std::optional<os::FileLock> lock;
  if (!flags.dry_run && os::exists(paths.home)) {
    TRY_ASSIGN(lock, bootstrap::try_install_lock(paths));
  }
  TRY_ASSIGN(options.running_variant, find_running_variant(location, services));
  TRY_ASSIGN(const auto plan,
             bootstrap::plan_gc(paths, location.settings, options, services.clock));
  note_doubts(flags, faults, plan.doubt, services);
  if (!flags.dry_run) TRY(bootstrap::collect(paths, plan.items));
  print_removed(plan.items, {.is_plan = flags.dry_run, .as_json = flags.json}, services);
  return ExitCode::ok;
}

Runner define_gc(FlagSet& set) {
  auto flags = std::make_shared<GcFlags>();
  set.footer(kExamples);
  set.add_option("--keep", flags->keep, "Keep this many unused variants, the newest (0)")
      .type_name("N")
      .check([](const std::string& text) { return check_whole_number(text, 0, kMostKept); });
  set.add_option("--older-than", flags->older_than, "Only what has not changed for so long")
      .type_name("AGE");
  set.add_flag("--dry-run", flags->dry_run, "Tell what would be removed, and remove nothing");
  set.add_flag("--json", flags->json, "Print one JSON document; also for errors");
  add_location_flags(set, flags->location);
  return [flags](Services& services) { return run_gc(*flags, services); };
}

}  // namespace runed::cmd
