#include "cmd/models.hpp"

#include <algorithm>
#include <memory>
#include <ostream>

#include "base/duration.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "bootstrap/config/json_document.hpp"
#include "bootstrap/use/model_choice.hpp"
#include "client/client.hpp"
#include "cmd/line/flag_set.hpp"
#include "cmd/line/model_text.hpp"
#include "cmd/line/note.hpp"
#include "cmd/line/table.hpp"
#include "daemon/models/model_catalogue.hpp"
#include "embed/model/model_file.hpp"

namespace runed::cmd {
namespace {

using client::ModelReport;

constexpr const char* kExamples =
    "  runed models\n"
    "  runed models --json";

/// What there is, and whether a daemon has it.
struct Listing {
  bool is_running = false;
  std::vector<ModelReport> models;
};

ModelReport report_of(const daemon::ModelDeclaration& declaration, bool is_default) {
  ModelReport report;
  report.names = declaration.names;
  report.is_default = is_default;
  report.variant = declaration.choice.variant;
  report.path = declaration.choice.path;
  const auto file = embed::identity_at(report.path);
  report.file_bytes = file ? static_cast<int64_t>(file->size_bytes) : 0;
  report.health.state = "not_running";
  return report;
}

Result<Listing> list_without_daemon(const Location& location) {
  const daemon::ModelCatalogue catalogue(location.paths, location.settings);
  TRY_ASSIGN(const auto choice, bootstrap::choose_model(location.paths, location.settings));
  TRY_ASSIGN(auto declared, catalogue.list());
  const std::string key = daemon::key_of(choice);
  daemon::add_default(declared, catalogue.default_model(choice));
  Listing listing;
  for (const auto& each : declared) {
    listing.models.push_back(report_of(each, each.key == key));
  }
  std::ranges::sort(listing.models, {}, [](const ModelReport& model) {
    return std::pair(!model.is_default, model.names.front());
  });
  return listing;
}

Result<Listing> list(const Location& location, const Services& services) {
  TRY_ASSIGN(const client::DaemonLocation daemon, daemon_location(location));
  auto client = client::Client::connect(
      {.daemon = daemon, .on_loading = {}, .on_stuck = services.end_process});
  if (!client) {
    const ErrorCode code = client.error().code;
    if (code == ErrorCode::not_found || code == ErrorCode::unavailable) {
      return list_without_daemon(location);
    }
    return std::move(client).error();
  }
  Listing listing{.is_running = true, .models = {}};
  TRY_ASSIGN(listing.models, client->models());
  return listing;
}

std::string describe_use(const ModelReport& model, SystemTime now) {
  if (!model.used_at.has_value()) return "never";
  const auto ago = std::chrono::floor<std::chrono::seconds>(now - *model.used_at);
  return format_duration(std::max(ago, std::chrono::seconds(0))) + " ago";
}

std::string describe_dimensions(const ModelReport& model) {
  if (model.vector_dim == 0) return "-";
  if (model.min_dimensions == 0) return std::to_string(model.vector_dim);
  return fmt::format("{}-{}", model.min_dimensions, model.vector_dim);
}

std::string bytes_or_none(int64_t bytes) {
  return bytes == 0 ? "-" : format_bytes(static_cast<uint64_t>(bytes));
}

std::string to_text(const Listing& listing, SystemTime now) {
  std::vector<Row> rows{
      {"NAME", "STATE", "DIMENSIONS", "SIZE", "MEMORY", "ENGINE", "LAST USED", "KEPT"}};
  for (const ModelReport& model : listing.models) {
    const std::string name = escape_invalid_utf8(model.names.front());
    rows.push_back({model.is_default ? name + " (default)" : name,
                    describe_state(model.health.state), describe_dimensions(model),
                    bytes_or_none(model.file_bytes), bytes_or_none(model.memory_bytes),
                    model.engine.empty() ? "-" : model.engine,
                    listing.is_running ? describe_use(model, now) : "-",
                    model.keep_alive.empty() ? "-" : model.keep_alive});
  }
  std::string text = to_table(rows);
  for (const ModelReport& model : listing.models) {
    if (model.health.reason.empty()) continue;
    text += fmt::format("{}: {}\n", model.names.front(), model.health.message);
  }
  return text;
}

}  // namespace

Result<ExitCode> run_models(const ModelsFlags& flags, Services& services) {
  TRY_ASSIGN(const auto found, locate_anyway(flags.location, services, HomeUse::look));
  const auto& [location, faults] = found;
  note_faults(faults, flags.json, services);
  TRY_ASSIGN(const Listing listing, list(location, services));
  if (flags.json) {
    services.out << bootstrap::to_document(
        {{"running", listing.is_running}, {"models", models_json(listing.models)}});
  } else {
    services.out << to_text(listing, services.clock.system_now());
  }
  return ExitCode::ok;
}

Runner define_models(FlagSet& set) {
  auto flags = std::make_shared<ModelsFlags>();
  set.footer(kExamples);
  set.add_flag("--json", flags->json, "Print one JSON document; also for errors");
  add_location_flags(set, flags->location);
  return [flags](Services& services) { return run_models(*flags, services); };
}

}  // namespace runed::cmd
