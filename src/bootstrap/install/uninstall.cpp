#include "bootstrap/install/uninstall.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "bootstrap/install/installed.hpp"
#include "bootstrap/manifest/variant.hpp"
#include "bootstrap/use/model_choice.hpp"
#include "bootstrap/use/named_models.hpp"
#include "embed/model/model_file.hpp"
#include "os/file/files.hpp"
#include "os/file/open_files.hpp"

namespace runed::bootstrap {
namespace {

constexpr const char* kEndHint = "'runed shutdown --wait 10' ends the daemon; then try again";

// Which installed variant is meant. A file that lies beside them by hand counts as a name too: it is not
// another one of the same last part that is meant.
Result<std::string> find_installed(const Paths& paths, const Installed& installed,
                                   const std::string& name) {
  TRY_ASSIGN(std::vector<std::string> names, installed_variants(paths));
  std::vector<std::string> removable;
  for (const auto& [variant, artifact] : installed.variants) {
    if (!is_variant_name(variant)) continue;  // Its file could be anywhere.
    removable.push_back(variant);
    if (std::ranges::find(names, variant) == names.end()) names.push_back(variant);
  }
  std::ranges::sort(names);
  auto found = find_variant(names, name);
  if (!found && found.error().code == ErrorCode::bad_config) found.error().code = ErrorCode::usage;
  if (!found && found.error().code == ErrorCode::not_found) {
    return make_error(ErrorCode::model_missing, "variant '{}' is not installed", printable(name))
        .with_hint(advise_variant(removable, name));
  }
  if (!found || installed.variants.contains(*found)) return found;
  return make_error(ErrorCode::model_missing,
                    "variant '{}' was not installed: its file was put into models/ by hand",
                    printable(*found))
      .with_hint(fmt::format("run: rm {}{}",
                             os::is_directory(model_tree(paths, *found)) ? "-r " : "",
                             shell_quoted(model_tree(paths, *found))));
}

Status check_unused(const Paths& paths, const std::string& variant, const std::string& running) {
  if (variant == running) {
    return make_error(ErrorCode::other_settings, "the daemon that runs serves {}", variant)
        .with_hint(kEndHint);
  }
  const std::string path = model_path(paths, variant);
  const std::string directory = os::parent_directory(os::resolve_links(path));
  if (!os::is_among(os::open_files_below({directory}), path)) return {};
  return make_error(ErrorCode::other_settings, "a process has '{}' open", path).with_hint(kEndHint);
}

std::vector<std::string> find_places(const Paths& paths, const Settings& settings,
                                     const std::string& variant) {
  std::vector<std::string> places;
  for (const NamedModel& named : named_models(paths, settings)) {
    if (is_named(named, paths, variant)) places.push_back(named.place);
  }
  return places;
}

}  // namespace

Result<Uninstall> plan_uninstall(const Paths& paths, const Settings& settings,
                                 const std::string& name, const std::string& running_variant) {
  if (name == builtin_variant()) {
    return make_error(ErrorCode::usage, "variant '{}' is in the executable: it cannot be removed",
                      builtin_variant());
  }
  TRY_ASSIGN(const Installed installed, Installed::load(paths.installed_file));
  TRY_ASSIGN(const std::string variant, find_installed(paths, installed, name));
  TRY(check_unused(paths, variant, running_variant));
  const auto file = embed::identity_at(model_path(paths, variant));
  return Uninstall{.item = {.kind = GcItem::Kind::variant,
                            .path = model_tree(paths, variant),
                            .name = variant,
                            .size_bytes = file ? file->size_bytes : 0},
                   .is_default = installed.model_variant == variant,
                   .named_by = find_places(paths, settings, variant)};
}

std::string describe_default(const Paths& paths, const Settings& settings) {
  Settings unnamed = settings;
  unnamed.model = {};
  unnamed.model_variant = {};
  const auto choice = choose_model(paths, unnamed);
  if (!choice) return fmt::format("there is none: {}", choice.error().message);
  if (choice->is_installed()) return fmt::format("it is {}", choice->variant);
  return choice->variant.empty() ? "the daemon fetches the manifest's default"
                                 : fmt::format("the daemon fetches {}", choice->variant);
}

}  // namespace runed::bootstrap
