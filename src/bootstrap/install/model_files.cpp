#include "bootstrap/install/model_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "os/directory/directories.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {
namespace {

using Kind = os::DirectoryEntry::Kind;

constexpr std::string_view kFile = ".gguf";
constexpr std::string_view kDirectory = ".hf";  // Of Hugging Face's form.

// A directory that cannot be looked into is not one without models: what was chosen may be in it.
Result<std::vector<os::DirectoryEntry>> list_models(const Paths& paths) {
  auto entries = os::list_directory(paths.models_dir);
  if (entries) return entries;
  const bool is_missing = entries.error().code == ErrorCode::not_found;
  if (is_missing && !os::is_taken(paths.models_dir)) return std::vector<os::DirectoryEntry>();
  return make_error(ErrorCode::model_missing, "cannot tell which models there are: {}",
                    entries.error().message)
      .with_hint("mount it, or make it readable; 'runed doctor' tells what else is wrong");
}

// The one directory in that of a variant. Of several nobody knows which is meant.
std::optional<std::string> find_directory(const Paths& paths, std::string_view variant) {
  const std::string tree = directory_tree(paths, variant);
  const auto entries = os::list_directory(tree);
  if (!entries || entries->size() != 1 || entries->front().kind != Kind::directory) {
    return std::nullopt;
  }
  return fmt::format("{}/{}", tree, entries->front().name);
}

}  // namespace

std::string file_path(const Paths& paths, std::string_view variant) {
  return fmt::format("{}/{}{}", paths.models_dir, variant, kFile);
}

std::string directory_tree(const Paths& paths, std::string_view variant) {
  return fmt::format("{}/{}{}", paths.models_dir, variant, kDirectory);
}

std::string model_path(const Paths& paths, std::string_view variant) {
  std::string file = file_path(paths, variant);
  if (os::is_taken(file)) return file;
  return find_directory(paths, variant).value_or(std::move(file));
}

std::string model_tree(const Paths& paths, std::string_view variant) {
  std::string file = file_path(paths, variant);
  if (os::is_taken(file)) return file;
  std::string tree = directory_tree(paths, variant);
  return os::is_taken(tree) ? tree : file;
}

bool is_model_there(const std::string& path) {
  return path.ends_with(kFile) ? os::is_regular_file(os::resolve_links(path))
                               : os::is_directory(path);
}

Result<std::vector<std::string>> named_variants(const Paths& paths) {
  TRY_ASSIGN(const auto entries, list_models(paths));
  std::vector<std::string> names;
  for (const os::DirectoryEntry& entry : entries) {
    const bool is_directory = entry.kind == Kind::directory;
    const std::string_view ending = is_directory ? kDirectory : kFile;
    if (!entry.name.ends_with(ending)) continue;
    std::string name = entry.name.substr(0, entry.name.size() - ending.size());
    if (is_directory && !find_directory(paths, name).has_value()) continue;
    names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Result<std::vector<std::string>> installed_variants(const Paths& paths) {
  TRY_ASSIGN(std::vector<std::string> names, named_variants(paths));
  std::erase_if(names,
                [&](const std::string& name) { return !is_model_there(model_path(paths, name)); });
  return names;
}

}  // namespace runed::bootstrap
