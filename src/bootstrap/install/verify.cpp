#include "bootstrap/install/verify.hpp"

#include <fmt/ranges.h>

#include <map>
#include <set>

#include "bootstrap/config/home.hpp"
#include "bootstrap/install/installed.hpp"
#include "bootstrap/install/licenses.hpp"
#include "bootstrap/install/llama_server.hpp"
#include "bootstrap/install/record.hpp"
#include "bootstrap/use/model_choice.hpp"
#include "embed/model/model_file.hpp"
#include "os/directory/directories.hpp"
#include "os/file/files.hpp"
#include "os/process/process.hpp"

namespace runed::bootstrap {
namespace {

using Outcome = Check::Outcome;

constexpr unsigned kWriteByOthers = 0022;

Check judge(std::string name, std::string subject, const std::vector<std::string>& faults,
            std::string praise) {
  if (faults.empty()) {
    return {std::move(name), std::move(subject), Outcome::passed, std::move(praise)};
  }
  return {std::move(name), std::move(subject), Outcome::failed,
          fmt::format("{}", fmt::join(faults, "; "))};
}

// The files whose content others must not change. A config.json elsewhere is the user's business.
Result<std::vector<std::string>> guarded_files(const Paths& paths) {
  std::vector<std::string> files{paths.installed_file};
  if (paths.config_file.starts_with(paths.home + "/")) files.push_back(paths.config_file);
  TRY_ASSIGN(const auto variants, installed_variants(paths));
  for (const std::string& variant : variants) {
    files.push_back(model_path(paths, variant));
    if (!os::is_directory(files.back())) continue;
    const auto directory = embed::ModelFile::open({.bytes = {}, .path = files.back()});
    if (!directory) continue;  // Its digest cannot be told either.
    for (std::string& path : (*directory)->paths()) files.push_back(std::move(path));
  }
  return files;
}

std::vector<std::string> differences(const std::map<std::string, std::string>& expected,
                                     const std::map<std::string, std::string>& found) {
  std::vector<std::string> faults;
  for (const auto& [name, digest] : expected) {
    const auto file = found.find(name);
    if (file == found.end()) {
      faults.push_back(fmt::format("'{}' is gone", name));
    } else if (file->second != digest) {
      faults.push_back(fmt::format("'{}' was changed", name));
    }
  }
  for (const auto& [name, digest] : found) {
    if (!expected.contains(name)) faults.push_back(fmt::format("'{}' was added", name));
  }
  return faults;
}

/// The checks made so far.
struct Verification {
  const Paths& paths;
  const Manifest* manifest;
  const Watch& watch;
  const Installed installed;
  const Record record;
  std::vector<Check> checks;

  void add(std::string name, std::string subject, Outcome outcome, std::string detail) {
    checks.push_back({std::move(name), std::move(subject), outcome, std::move(detail)});
  }
  Status check_permissions();
  Status check_model(const std::string& variant);
  Status check_models();
  Status check_llama_server();
};

Status Verification::check_permissions() {
  std::vector<std::string> faults;
  bool is_ours = true;
  TRY_ASSIGN(const auto files, guarded_files(paths));
  for (const std::string& file : files) {
    const auto owner = os::file_owner(file);
    if (!owner) continue;
    if (owner->uid != os::user_id()) {
      faults.push_back(fmt::format("'{}' belongs to user {}", file, owner->uid));
      is_ours = false;
    } else if ((owner->mode & kWriteByOthers) != 0) {
      faults.push_back(fmt::format("other users may write '{}' (mode {:03o})", file, owner->mode));
    }
  }
  checks.push_back(
      judge("permissions", paths.home, faults, "only this user can change what is installed"));
  checks.back().can_be_fixed = is_ours;
  return {};
}

// The manifest decides; what it does not know is compared with what was installed.
Status Verification::check_model(const std::string& variant) {
  const std::string path = model_path(paths, variant);
  const auto entry = installed.variants.find(variant);
  const bool is_own = entry != installed.variants.end() && entry->second.is_own;
  const auto promised = manifest != nullptr && !is_own
                            ? manifest->model(variant)
                            : Result<Artifact>(make_error(ErrorCode::not_found, ""));
  std::string expected = promised ? promised->sha256 : std::string();
  std::string authority = "the manifest";
  if (entry != installed.variants.end() && !promised) {
    expected = entry->second.sha256;
    authority = "installed.json";
  }
  // A manifest that is not here may have it.
  const bool can_be_fetched = (manifest == nullptr && !is_own) || promised;
  const auto digest = record.model_digest(path, Reading::always, watch);
  if (!digest && digest.error().code == ErrorCode::cancelled) return digest.error();
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
  checks.back().can_be_fixed = can_be_fetched;
  return {};
}

Status Verification::check_models() {
  TRY_ASSIGN(const auto names, installed_variants(paths));
  std::set<std::string> variants(names.begin(), names.end());
  for (const auto& [name, entry] : installed.variants) variants.insert(name);
  for (const std::string& variant : variants) TRY(check_model(variant));
  return {};
}

Status Verification::check_llama_server() {
  const auto& expected = installed.llama_server_files;
  const auto found = digest_llama_server(paths, record, Reading::always, watch);
  TRY(watch.check());
  if (expected.empty()) {
    if (!found || found->empty()) return {};  // There is none.
    add("llama_server", paths.llama_cpp_dir, Outcome::unknown,
        "installed.json has no digests of its files");
    return {};
  }
  checks.push_back(
      judge("llama_server", paths.llama_cpp_dir,
            found ? differences(expected, *found) : std::vector<std::string>{found.error().message},
            fmt::format("{} files as they were unpacked", expected.size())));
  checks.back().can_be_fixed =
      manifest == nullptr || manifest->llama_server(platform_name()).has_value();
  return {};
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
  auto installed = Installed::load(paths.installed_file);
  Verification verification{.paths = paths,
                            .manifest = manifest,
                            .watch = watch,
                            .installed = installed.value_or(Installed()),
                            .record = Record(paths.record_file),
                            .checks = {}};
  if (!installed) {
    verification.add("installed", paths.installed_file, Outcome::failed, installed.error().message);
  }
  TRY(verification.check_permissions());
  TRY(verification.check_models());
  TRY(verification.check_llama_server());
  // They are written by the first installation.
  if (os::exists(paths.installed_file)) {
    verification.checks.push_back(
        judge("licenses", paths.licenses_dir, find_license_faults(paths.licenses_dir), "complete"));
    verification.checks.back().can_be_fixed = true;
  }
  return std::move(verification.checks);
}

Status repair_files(const Paths& paths) {
  TRY(make_directories(paths));
  TRY_ASSIGN(const auto files, guarded_files(paths));
  for (const std::string& file : files) {
    const auto owner = os::file_owner(file);
    if (!owner || owner->uid != os::user_id() || (owner->mode & kWriteByOthers) == 0) continue;
    TRY(os::set_mode(file, owner->mode & ~kWriteByOthers));
  }
  if (!os::exists(paths.installed_file)) return {};
  return write_licenses(paths.licenses_dir);
}

}  // namespace runed::bootstrap
