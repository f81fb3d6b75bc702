#include "bootstrap/model_choice.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "os/files.hpp"

namespace runed::bootstrap {
namespace {

constexpr std::string_view kExtension = ".gguf";

// The installed variants, by name.
std::vector<std::string> installed_variants(const Paths& paths) {
  std::vector<std::string> names;
  std::error_code ended;
  for (std::filesystem::directory_iterator entry(paths.models_dir, ended), end;
       !ended && entry != end; entry.increment(ended)) {
    std::string name = entry->path().filename();
    if (!name.ends_with(kExtension)) continue;
    name.resize(name.size() - kExtension.size());
    names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

ModelChoice builtin_choice() {
  return {std::string(kBuiltinVariant), {}};
}

Result<ModelChoice> choose_variant(const Paths& paths, const std::string& wanted) {
  if (wanted == kBuiltinVariant) return builtin_choice();
  std::vector<std::string> known = installed_variants(paths);
  std::vector<std::string> matching;
  std::ranges::copy_if(known, std::back_inserter(matching), [&wanted](const std::string& name) {
    return name == wanted || name.ends_with("." + wanted);
  });
  if (std::ranges::find(matching, wanted) != matching.end()) matching = {wanted};
  if (matching.size() > 1) {
    return make_error(ErrorCode::bad_config, "variant '{}' could be any of: {}", wanted,
                      fmt::join(matching, ", "))
        .with_hint("name it in full");
  }
  if (matching.empty()) {
    known.emplace_back(kBuiltinVariant);
    return make_error(ErrorCode::model_missing, "variant '{}' is not installed", wanted)
        .with_hint(fmt::format("there are: {}; or name a GGUF file with RUNED_MODEL",
                               fmt::join(known, ", ")));
  }
  return ModelChoice{matching.front(),
                     fmt::format("{}/{}{}", paths.models_dir, matching.front(), kExtension)};
}

}  // namespace

Result<ModelChoice> choose_model(const Paths& paths, const Settings& settings) {
  const auto& variant = settings.model_variant;
  const bool by_variant = variant.value.has_value() && (!settings.model.value.has_value() ||
                                                        variant.origin < settings.model.origin);
  if (by_variant) return choose_variant(paths, *variant.value);
  if (const auto& model = settings.model.value; model.has_value() && *model != kBuiltinVariant) {
    if (!os::exists(*model)) {
      return make_error(ErrorCode::model_missing, "there is no model file '{}'", *model)
          .with_hint(fmt::format("the name comes from: {}", name_of(settings.model.origin)));
    }
    return ModelChoice{{}, *model};
  }
  return builtin_choice();
}

}  // namespace runed::bootstrap
