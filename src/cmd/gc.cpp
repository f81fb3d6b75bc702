#include "cmd/gc.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <ostream>

#include "base/duration.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "bootstrap/config/daemon_lock.hpp"
#include "bootstrap/install/gc.hpp"
#include "bootstrap/install/install_lock.hpp"
#include "client/client.hpp"
#include "cmd/line/flag_set.hpp"
#include "cmd/line/note.hpp"
#include "cmd/line/value_checks.hpp"
#include "os/file/file_lock.hpp"
#include "os/file/files.hpp"

namespace runed::cmd {
namespace {

using bootstrap::GcItem;

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

// An empty name if no daemon runs: then none is in use.
Result<std::string> find_running_variant(const Location& location, const Services& services) {
  TRY_ASSIGN(auto daemon, daemon_location(location));
  if (auto holder = bootstrap::find_daemon_elsewhere(daemon.daemon_lock, daemon.socket_path)) {
    daemon.socket_path = std::move(holder->socket);  // It is the daemon of this home all the same.
  }
  auto client = client::Client::connect(
      {.daemon = daemon, .on_loading = {}, .on_stuck = services.end_process});
  if (!client) {
    const ErrorCode code = client.error().code;
    if (code == ErrorCode::not_found || code == ErrorCode::unavailable) return std::string();
    return std::move(client).error();
  }
  TRY_ASSIGN(const auto info, client->info());
  return info.variant;
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

void print(const GcFlags& flags, const Services& services, const std::vector<GcItem>& items) {
  uint64_t total = 0;
  Json all = Json::array();
  std::string lines;
  for (const GcItem& item : items) {
    total += item.size_bytes;
    all.push_back({{"kind", bootstrap::name_of(item.kind)},
                   {"path", item.path},
                   {"size_bytes", item.size_bytes}});
    lines += fmt::format("{} {:>12}  {}\n", flags.dry_run ? "would remove" : "removed",
                         format_bytes(item.size_bytes), item.path);
  }
  if (flags.json) {
    services.out << to_line(
                        Json{{"dry_run", flags.dry_run}, {"items", all}, {"total_bytes", total}})
                 << "\n";
    return;
  }
  services.out << escape_invalid_utf8(lines)
               << (items.empty() ? "there is nothing to remove\n"
                                 : fmt::format("{} in all\n", format_bytes(total)));
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
  print(flags, services, plan.items);
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
