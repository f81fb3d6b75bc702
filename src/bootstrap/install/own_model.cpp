// What is taken is a copy: a link to the source, hard or symbolic, would be another model as soon as
// somebody wrote to that. A GGUF file goes the way of one that is fetched, by a partial file beside its
// place; the files of a directory go that way into a directory with a name of its own, which is then
// renamed, so that no model is ever there in part.
#include "bootstrap/install/own_model.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/hex_digest.hpp"
#include "base/letter_case.hpp"
#include "base/text.hpp"
#include "bootstrap/config/declared_model.hpp"
#include "bootstrap/config/home.hpp"
#include "bootstrap/fetch/download.hpp"
#include "bootstrap/fetch/http.hpp"
#include "bootstrap/fetch/url.hpp"
#include "bootstrap/install/install_lock.hpp"
#include "bootstrap/install/licenses.hpp"
#include "bootstrap/install/model_files.hpp"
#include "bootstrap/manifest/published_facts.hpp"
#include "bootstrap/manifest/variant.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/hf/hf_directory.hpp"
#include "embed/model/model_file.hpp"
#include "os/directory/directories.hpp"
#include "os/directory/disk_space.hpp"
#include "os/file/files.hpp"
#include "os/file/regular_file.hpp"

namespace runed::bootstrap {
namespace {

using State = ArtifactState;

constexpr std::string_view kScheme = "://";
constexpr std::string_view kExtension = ".gguf";

// The last part of a URL's path.
std::string last_part(std::string_view path) {
  path = path.substr(0, path.find_first_of("?#"));
  return std::string(path.substr(path.rfind('/') + 1));
}

std::string without_extension(std::string name) {
  if (in_lower_case(name).ends_with(kExtension)) name.resize(name.size() - kExtension.size());
  return name;
}

// What the source is called, where no name is given.
std::string name_of_source(const std::string& source) {
  if (is_fetched(source)) return without_extension(last_part(source));
  if (os::is_directory(source)) return embed::hf::directory_model_name(source);
  return without_extension(source.substr(source.rfind('/') + 1));
}

Error refused_name(const std::string& name, std::string_view why, std::string_view hint) {
  return make_error(ErrorCode::usage, "the model cannot be installed as '{}': {}", printable(name),
                    why)
      .with_hint(std::string(hint));
}

// A name that would lead elsewhere is none.
Result<std::string> choose_name(const OwnModel& model, const Manifest& manifest) {
  const std::string name = model.name.empty() ? name_of_source(model.source) : model.name;
  constexpr std::string_view kAnother = "give it a name with --name NAME";
  if (!is_variant_name(name)) {
    return refused_name(
        name, "a name has letters, digits and . _ - + only, and begins with one of the first two",
        kAnother);
  }
  if (const auto fault = find_name_fault(name); fault.has_value()) {
    return refused_name(name, *fault, kAnother);
  }
  if (fmt::format("builtin:{}", name) == builtin_variant()) {
    return refused_name(name, "that is the name of the model in the executable", kAnother);
  }
  const std::vector<std::string> published = manifest.variants();
  if (std::ranges::find(published, name) != published.end()) {
    return refused_name(
        name, "the manifest has a model of that name",
        fmt::format("'runed install --variant {}' fetches that one; {}", name, kAnother));
  }
  return name;
}

Status check_source(const std::string& source) {
  if (is_fetched(source)) {
    const auto kind = kind_of_url(source);
    if (kind && *kind != UrlKind::file) return {};
    return make_error(ErrorCode::usage, "cannot fetch '{}': not a URL of a known kind",
                      display_url(source))
        .with_hint("write https:// or http://, or the path of a file or directory as it is");
  }
  if (!os::is_taken(source)) {
    return make_error(ErrorCode::model_missing, "there is no model '{}'", source)
        .with_hint("name a GGUF file, a directory of Hugging Face's form, or a URL");
  }
  if (os::is_directory(source)) return {};
  const std::string fault = os::find_fault_of_kind(source);
  if (fault.empty()) return {};
  return make_error(ErrorCode::bad_input, "cannot use the model '{}': {}", source, fault);
}

/// One run: what it works on and with.
struct Run {
  const Paths& paths;
  const Manifest& manifest;
  const OwnModelRequest& request;
  const InstallHooks& hooks;
  Installed installed;
  Record record;
  bool is_reranker = false;

  const std::string& source() const { return request.model.source; }
  Status look_at(const std::string& path);
  Result<std::string> digest_of_source() const;
  Result<InstallStep> inspect();
  Status find_state(InstallStep& step) const;
  Error taken(const std::string& name) const;
  Status fetch(InstallStep& step, const DownloadPolicy& policy);
  Status copy_directory(InstallStep& step, const DownloadPolicy& policy);
  Result<InstalledArtifact> entry_of(const InstallStep& step) const;
};

// What no engine could serve is said now, and not when somebody waits for a vector.
Status Run::look_at(const std::string& path) {
  const embed::ModelSource model{.bytes = {}, .path = path};
  TRY_ASSIGN(const auto file, embed::ModelFile::open(model));
  // By its digest a manifest may know of a file what that does not say.
  TRY_ASSIGN(const std::string digest, digest_of_source());
  const auto recognise = [&]() -> Result<embed::ModelSpec> {
    TRY_ASSIGN(const auto gguf, file->gguf());
    return embed::recognise_model(gguf, digest, to_facts(manifest.published_models()));
  };
  const auto spec = embed::read_unchanged(*file, recognise);
  if (!spec) return embed::about(model, spec.error());
  is_reranker = spec->pooling.value == embed::Pooling::rank;
  return hooks.inspect ? hooks.inspect(path) : Status();
}

// Of a URL nobody knows more than was given.
Result<std::string> Run::digest_of_source() const {
  const std::string wanted = in_lower_case(request.model.sha256);
  if (is_fetched(source())) return wanted;
  TRY_ASSIGN(std::string found, record.model_digest(source(), Reading::if_changed, hooks.watch));
  if (wanted.empty() || found == wanted) return found;
  return make_error(ErrorCode::integrity, "the SHA-256 of '{}' is {}, and not {}", source(), found,
                    wanted)
      .with_hint("the file is another one than is meant, or damaged")
      .with(fact::kFound, found)
      .with(fact::kExpected, wanted);
}

Result<InstallStep> Run::inspect() {
  TRY(check_source(source()));
  if (!request.model.sha256.empty() && !is_sha256_hex(request.model.sha256)) {
    return make_error(ErrorCode::usage, "'{}' is no SHA-256", printable(request.model.sha256))
        .with_hint("it has 64 hex digits, as sha256sum prints them");
  }
  InstallStep step{.part = Part::model, .is_own = true};
  TRY_ASSIGN(step.variant, choose_name(request.model, manifest));
  if (hooks.on_activity) hooks.on_activity(Activity::checking, Part::model, step.variant);
  if (!is_fetched(source())) TRY(look_at(source()));
  step.artifact.url = display_url(source());
  step.artifact.sources = {source()};
  TRY_ASSIGN(step.artifact.sha256, digest_of_source());
  if (!is_fetched(source())) {
    TRY_ASSIGN(const auto identity, embed::identity_at(source()));
    step.artifact.size_bytes = identity.size_bytes;
  }
  step.path = model_path(paths, step.variant);
  TRY(find_state(step));
  return step;
}

Error Run::taken(const std::string& name) const {
  const bool is_installed = installed.variants.contains(name);
  return refused_name(
      name, "there is another model of that name",
      is_installed
          ? fmt::format(
                "'runed uninstall {}' removes that one; or give this one a name with --name NAME",
                name)
          : fmt::format(
                "its file was put into models/ by hand; give this one a name with --name NAME"));
}

// What is there under the name is this model, or what is left of it, or else the name is taken.
Status Run::find_state(InstallStep& step) const {
  const std::string& wanted = step.artifact.sha256;
  const auto entry = installed.variants.find(step.variant);
  const bool is_known = entry != installed.variants.end();
  const bool is_there = os::is_taken(model_tree(paths, step.variant));
  // The file would be taken for the model.
  const bool is_hidden = os::is_taken(file_path(paths, step.variant)) && !is_fetched(source()) &&
                         os::is_directory(source());
  if (is_hidden) return taken(step.variant);
  if (!is_known && !is_there) return {};
  // Without a digest it is the same one if it is from the same place, of which the query is a part that
  // is written nowhere: it may have a password.
  const bool is_same_place =
      is_known && entry->second.url == step.artifact.url && step.artifact.url == source();
  const bool is_same = is_known && entry->second.is_own &&
                       (wanted.empty() ? is_same_place : entry->second.sha256 == wanted);
  if (is_known && !is_same) return taken(step.variant);
  if (!is_there) return {};
  const auto found = record.model_digest(step.path, Reading::if_changed, hooks.watch);
  if (!found && found.error().code == ErrorCode::cancelled) return found.error();
  const std::string& expected = is_same ? entry->second.sha256 : wanted;
  if (found && *found == expected) {
    step.state = State::intact;
    step.artifact.sha256 = *found;
  } else if (is_same) {
    step.state = State::damaged;
  } else {
    return taken(step.variant);
  }
  return {};
}

Status Run::fetch(InstallStep& step, const DownloadPolicy& policy) {
  const bool is_url = is_fetched(source());
  if (!is_url && os::is_directory(source())) return copy_directory(step, policy);
  const auto check = [&](const std::string& path) -> Status {
    Status good = look_at(path);
    if (good || !is_url) return good;
    Error error = std::move(good).error();
    const std::string place = fmt::format("'{}'", path);
    if (const size_t at = error.message.find(place); at != std::string::npos) {
      error.message.replace(at, place.size(), fmt::format("'{}'", step.artifact.url));
    }
    return error;
  };
  step.path = file_path(paths, step.variant);
  const std::string& known = step.artifact.sha256;
  const auto digest = known.empty() ? std::nullopt : std::optional(known);
  auto report = download({.urls = step.artifact.sources,
                          .sha256 = digest,
                          .size_bytes = step.artifact.size_bytes,
                          .begin = kGgufMagic,
                          .check = check},
                         step.path, policy, hooks.watch);
  if (!report) {
    Error error = std::move(report).error();
    if (is_url && error.hint == kWrongUrlHint) error.hint = "check the URL";
    if (is_url && error.code == ErrorCode::integrity) {
      error.hint =
          error.facts.has(fact::kFound)
              ? "the file there is another one than is meant, or damaged"
              : "name the file itself, and not a page about it: on Hugging Face its URL has "
                "/resolve/, where that of the page has /blob/";
    }
    return error;
  }
  step.artifact.sha256 = report->sha256;
  step.artifact.size_bytes = report->size_bytes;
  step.bytes_received = report->bytes_received;
  record.remember(step.path, report->sha256);
  return {};
}

Status Run::copy_directory(InstallStep& step, const DownloadPolicy& policy) {
  TRY_ASSIGN(const auto directory, embed::ModelFile::open({.bytes = {}, .path = source()}));
  TRY_ASSIGN(const uint64_t free_bytes, os::free_disk_bytes(paths.models_dir));
  if (free_bytes < step.artifact.size_bytes + policy.reserve_bytes) {
    return make_error(ErrorCode::io,
                      "no room for '{}': it has {}, {} are to stay free, {} are free", source(),
                      format_bytes(step.artifact.size_bytes), format_bytes(policy.reserve_bytes),
                      format_bytes(free_bytes));
  }
  TRY_ASSIGN(const auto digests,
             record.digests(directory->paths(), Reading::if_changed, hooks.watch));
  TRY_ASSIGN(const auto staging, os::TemporaryDirectory::create(
                                     fmt::format("{}/{}", paths.models_dir, kModelStagingPrefix)));
  const std::string name = embed::hf::directory_model_name(source());
  const std::string copy = fmt::format("{}/{}", staging.path(), name);
  const std::vector<std::string> names = directory->names();
  const std::vector<std::string> files = directory->paths();
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string target = fmt::format("{}/{}", copy, names[i]);
    TRY(os::make_missing_directories(os::parent_directory(target)));
    TRY_ASSIGN(const auto report,
               download({.urls = {files[i]}, .sha256 = digests[i]}, target, policy, hooks.watch));
    step.bytes_received += report.bytes_received;
  }
  // The name counts too, and the files that were there when the header was read need not be these.
  if (directory->digest_of_files(digests) != step.artifact.sha256) {
    return make_error(ErrorCode::integrity, "'{}' was changed while it was being copied", source())
        .with_hint("run the command again");
  }
  TRY(look_at(copy));
  const std::string tree = directory_tree(paths, step.variant);
  TRY(os::swap_directories(staging.path(), tree));
  step.path = model_path(paths, step.variant);
  for (size_t i = 0; i < names.size(); ++i) {
    record.remember(fmt::format("{}/{}", step.path, names[i]), digests[i]);
  }
  return {};
}

Result<InstalledArtifact> Run::entry_of(const InstallStep& step) const {
  TRY_ASSIGN(const auto identity, embed::identity_at(step.path));
  return InstalledArtifact{.url = step.artifact.url,
                           .sha256 = step.artifact.sha256,
                           .path = step.path,
                           .size_bytes = identity.size_bytes,
                           .is_own = true,
                           .is_reranker = is_reranker};
}

Run begin(const Paths& paths, const Manifest& manifest, const OwnModelRequest& request,
          const InstallHooks& hooks, Installed installed) {
  return Run{paths, manifest, request, hooks, std::move(installed), Record(paths.record_file)};
}

}  // namespace

bool is_fetched(std::string_view source) {
  return source.find(kScheme) != std::string_view::npos && !source.starts_with('/');
}

Result<InstallStep> plan_own_model(const Paths& paths, const Manifest& manifest,
                                   const OwnModelRequest& request, const InstallHooks& hooks) {
  TRY_ASSIGN(Installed installed, Installed::load(paths.installed_file));
  return begin(paths, manifest, request, hooks, std::move(installed)).inspect();
}

Result<InstallStep> install_own_model(const Paths& paths, const Manifest& manifest,
                                      const OwnModelRequest& request, const DownloadPolicy& policy,
                                      const Clock& clock, const InstallHooks& hooks) {
  TRY(make_directories(paths));
  TRY_ASSIGN(const os::FileLock lock, acquire_install_lock(paths, hooks.watch));
  TRY(write_licenses(paths.licenses_dir));
  // Unlike a variant of the manifest it is known from nowhere else: a file that cannot be read stays.
  TRY_ASSIGN(Installed installed, Installed::load(paths.installed_file));
  Run run = begin(paths, manifest, request, hooks, std::move(installed));
  TRY_ASSIGN(InstallStep step, run.inspect());
  if (step.state != State::intact) {
    if (hooks.on_activity) hooks.on_activity(Activity::fetching, Part::model, step.variant);
    TRY(run.fetch(step, policy));
  } else {
    TRY(run.look_at(step.path));
  }
  TRY_ASSIGN(const InstalledArtifact entry, run.entry_of(step));
  step.artifact.size_bytes = entry.size_bytes;
  note_model(entry, request.becomes_default, step, run.installed);
  write_installed(paths, step, request.manifest_url, clock, hooks.watch, run.installed);
  return step;
}

Result<InstallStep> find_own_model(const Paths& paths, const std::string& name,
                                   const InstallHooks& hooks) {
  TRY_ASSIGN(const Installed installed, Installed::load(paths.installed_file));
  std::vector<std::string> names;
  for (const auto& [variant, entry] : installed.variants) {
    if (entry.is_own) names.push_back(variant);
  }
  TRY_ASSIGN(const std::string variant, find_variant(names, name));
  const InstalledArtifact entry = installed.variants.at(variant);
  InstallStep step{.part = Part::model,
                   .variant = variant,
                   .artifact = {.url = entry.url,
                                .sources = {entry.url},
                                .sha256 = entry.sha256,
                                .size_bytes = entry.size_bytes},
                   .path = model_path(paths, variant),
                   .state = State::intact,
                   .is_own = true};
  if (hooks.on_activity) hooks.on_activity(Activity::checking, Part::model, variant);
  const auto found =
      Record(paths.record_file).model_digest(step.path, Reading::if_changed, hooks.watch);
  if (!found && found.error().code == ErrorCode::cancelled) return found.error();
  if (!found || *found != entry.sha256) {
    return make_error(ErrorCode::integrity, "'{}' is not as it was installed", step.path)
        .with_hint(advise_taking_again(variant, entry));
  }
  return step;
}

Result<InstallStep> keep_own_model(const Paths& paths, const std::string& name,
                                   const OwnModelRequest& request, const Clock& clock,
                                   const InstallHooks& hooks) {
  TRY_ASSIGN(InstallStep step, find_own_model(paths, name, hooks));
  TRY_ASSIGN(const os::FileLock lock, acquire_install_lock(paths, hooks.watch));
  TRY_ASSIGN(Installed installed, Installed::load(paths.installed_file));
  const auto found = installed.variants.find(step.variant);
  if (found == installed.variants.end()) {
    return make_error(ErrorCode::not_found, "'{}' was uninstalled meanwhile", step.variant);
  }
  const InstalledArtifact entry = found->second;
  note_model(entry, request.becomes_default, step, installed);
  write_installed(paths, step, request.manifest_url, clock, hooks.watch, installed);
  return step;
}

std::string advise_taking_again(const std::string& variant, const InstalledArtifact& model) {
  return fmt::format("'runed install {} --name {}' takes it again", shell_quoted(model.url),
                     variant);
}

}  // namespace runed::bootstrap
