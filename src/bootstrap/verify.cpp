#include "bootstrap/verify.hpp"

#include <fmt/ranges.h>

#include <set>

#include "bootstrap/hash_file.hpp"
#include "bootstrap/installed.hpp"
#include "bootstrap/licenses.hpp"
#include "bootstrap/model_choice.hpp"
#include "bootstrap/record.hpp"
#include "bootstrap/resources.hpp"
#include "os/directories.hpp"
#include "os/files.hpp"
#include "os/process.hpp"

namespace runed::bootstrap {
namespace {

using Outcome = Check::Outcome;

constexpr size_t kMostLicenseBytes = size_t{1} << 20;
constexpr unsigned kWriteByOthers = 0022;

std::vector<std::string> private_directories(const Paths& paths) {
  return {paths.home,       paths.bin_dir,  paths.llama_cpp_dir,
          paths.models_dir, paths.logs_dir, paths.cache_dir};
}

/// The checks made so far.
struct Verification {
  const Paths& paths;
  const Manifest* manifest;
  const Watch& watch;
  const Installed installed;
  std::vector<Check> checks;
  std::map<std::string, std::string> digests;  // By file; what is found now, right or wrong.

  void add(std::string name, std::string subject, Outcome outcome, std::string detail) {
    checks.push_back({std::move(name), std::move(subject), outcome, std::move(detail)});
  }
  void check_permissions();
  Status check_model(const std::string& variant);
  Status check_models();
  Status check_llama_server();
  void check_licenses();
};

void Verification::check_permissions() {
  std::vector<std::string> faults;
  for (const std::string& directory : private_directories(paths)) {
    if (!os::exists(directory)) continue;
    if (Status closed = os::check_private_directory(os::resolve_links(directory)); !closed) {
      faults.push_back(closed.error().message);
    }
  }
  std::vector<std::string> files{paths.config_file, paths.installed_file};
  for (const std::string& variant : installed_variants(paths)) {
    files.push_back(model_path(paths, variant));
  }
  for (const std::string& file : files) {
    const auto owner = os::file_owner(file);
    if (!owner) continue;
    if (owner->uid != os::user_id()) {
      faults.push_back(fmt::format("'{}' belongs to user {}", file, owner->uid));
    } else if ((owner->mode & kWriteByOthers) != 0) {
      faults.push_back(fmt::format("other users may write '{}' (mode {:03o})", file, owner->mode));
    }
  }
  add("permissions", paths.home, faults.empty() ? Outcome::passed : Outcome::failed,
      faults.empty() ? "only this user can change what is installed"
                     : fmt::format("{}", fmt::join(faults, "; ")));
}

// The manifest decides; what it does not know is compared with what was installed.
Status Verification::check_model(const std::string& variant) {
  const std::string path = model_path(paths, variant);
  const auto entry = installed.variants.find(variant);
  const auto promised = manifest != nullptr
                            ? manifest->model(variant)
                            : Result<Artifact>(make_error(ErrorCode::not_found, ""));
  std::string expected = promised ? promised->sha256 : std::string();
  std::string authority = "the manifest";
  if (entry != installed.variants.end() && !promised) {
    expected = entry->second.sha256;
    authority = "installed.json";
  }
  const auto digest = hash_file(path, watch);
  if (!digest && digest.error().code == ErrorCode::cancelled) return digest.error();
  if (digest) digests[path] = *digest;
  if (!digest) {
    add("model", variant, Outcome::failed, digest.error().message);
  } else if (expected.empty()) {
    add("model", variant, Outcome::unknown,
        fmt::format("SHA-256 {}: neither the manifest nor installed.json knows it", *digest));
  } else if (*digest == expected) {
    add("model", variant, Outcome::passed,
        fmt::format("SHA-256 {}, as {} has it", *digest, authority));
  } else {
    add("model", variant, Outcome::failed,
        fmt::format("SHA-256 {}, but {} has {}", *digest, authority, expected));
  }
  return {};
}

Status Verification::check_models() {
  std::set<std::string> variants;
  for (const std::string& name : installed_variants(paths)) variants.insert(name);
  for (const auto& [name, entry] : installed.variants) variants.insert(name);
  for (const std::string& variant : variants) TRY(check_model(variant));
  return {};
}

Status Verification::check_llama_server() {
  const auto& files = installed.llama_server_files;
  if (!installed.llama_server.has_value() || files.empty()) return {};
  std::vector<std::string> faults;
  const Watch quiet{.is_cancelled = watch.is_cancelled, .on_progress = {}, .on_event = {}};
  for (const auto& [name, expected] : files) {
    const std::string path = paths.llama_cpp_dir + "/" + name;
    const auto digest = hash_file(path, quiet);
    TRY(watch.check());
    if (digest) digests[path] = *digest;
    if (!digest) {
      faults.push_back(digest.error().message);
    } else if (*digest != expected) {
      faults.push_back(fmt::format("'{}' was changed", name));
    }
  }
  TRY_ASSIGN(const auto present, os::list_tree(paths.llama_cpp_dir));
  for (const os::DirectoryEntry& entry : present) {
    const bool is_ours = files.contains(entry.name) || entry.name.starts_with('.');
    if (entry.kind == os::DirectoryEntry::Kind::file && !is_ours) {
      faults.push_back(fmt::format("'{}' was added", entry.name));
    }
  }
  add("llama_server", paths.llama_cpp_dir, faults.empty() ? Outcome::passed : Outcome::failed,
      faults.empty() ? fmt::format("{} files as they were unpacked", files.size())
                     : fmt::format("{}", fmt::join(faults, "; ")));
  return {};
}

void Verification::check_licenses() {
  std::vector<std::string> faults;
  for (const License& license : builtin_licenses()) {
    const std::string path = fmt::format("{}/{}", paths.licenses_dir, license.name);
    const auto text = os::read_file(path, kMostLicenseBytes);
    if (!text) {
      faults.push_back(text.error().message);
    } else if (*text != license.text) {
      faults.push_back(fmt::format("'{}' was changed", path));
    }
  }
  add("licenses", paths.licenses_dir, faults.empty() ? Outcome::passed : Outcome::failed,
      faults.empty() ? "complete" : fmt::format("{}", fmt::join(faults, "; ")));
}

}  // namespace

std::string_view name_of(Check::Outcome outcome) {
  switch (outcome) {
    case Outcome::passed:
      return "passed";
    case Outcome::failed:
      return "failed";
    case Outcome::unknown:
      break;
  }
  return "unknown";
}

Result<std::vector<Check>> verify_files(const Paths& paths, const Manifest* manifest,
                                        const Watch& watch) {
  Verification verification{.paths = paths,
                            .manifest = manifest,
                            .watch = watch,
                            .installed = Installed::read(paths.installed_file),
                            .checks = {},
                            .digests = {}};
  verification.check_permissions();
  TRY(verification.check_models());
  TRY(verification.check_llama_server());
  // A boot must not trust what was remembered of a file that has rotted since.
  Record(paths.record_file).remember(verification.digests);
  // They are written by the first installation.
  if (os::exists(paths.installed_file)) verification.check_licenses();
  return std::move(verification.checks);
}

Status repair_files(const Paths& paths) {
  TRY(make_directories(paths));
  for (const std::string& variant : installed_variants(paths)) {
    TRY(os::set_mode(model_path(paths, variant), 0600));
  }
  if (os::exists(paths.config_file)) TRY(os::set_mode(paths.config_file, 0600));
  if (!os::exists(paths.installed_file)) return {};
  TRY(os::set_mode(paths.installed_file, 0600));
  return write_licenses(paths.licenses_dir);
}

}  // namespace runed::bootstrap
