#include "bootstrap/install/llama_server.hpp"

#include <filesystem>
#include <utility>
#include <vector>

#include "bootstrap/archive/unpack.hpp"
#include "os/directory/directories.hpp"
#include "os/file/atomic_file.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {
namespace {

constexpr const char* kMarker = ".llama_server.sha256";
constexpr unsigned kExecutableMode = 0755;

Status fill(const os::TemporaryDirectory& staging, const LlamaServerArtifact& wanted,
            const std::string& archive, const Watch& watch) {
  const std::string executable = staging.path() + "/" + wanted.exec;
  if (wanted.is_archive) {
    TRY(unpack(archive, staging.path(), {}, watch));
    if (!os::is_regular_file(executable)) {
      return make_error(ErrorCode::integrity, "the archive has no file '{}'", wanted.exec)
          .with_hint("the manifest's 'exec' does not fit its archive");
    }
  } else {
    TRY(os::make_missing_directories(os::parent_directory(executable)));
    TRY(download({.urls = {archive}, .sha256 = wanted.artifact.sha256}, executable, {}, watch));
  }
  TRY(os::set_mode(executable, kExecutableMode));
  return os::write_file_atomically(staging.path() + "/" + kMarker, wanted.artifact.sha256, 0600);
}

// What `digest_llama_server` returns, of any directory.
Result<std::map<std::string, std::string>> digest_tree(const std::string& directory,
                                                       const Record& record, Reading reading,
                                                       const Watch& watch) {
  std::map<std::string, std::string> digests;
  std::vector<std::string> names;
  std::vector<std::string> files;
  TRY_ASSIGN(const auto entries, os::list_tree(directory));
  for (const os::DirectoryEntry& entry : entries) {
    const std::string path = directory + "/" + entry.name;
    if (entry.kind == os::DirectoryEntry::Kind::link) {
      std::error_code gone;
      digests.emplace(entry.name, "-> " + std::filesystem::read_symlink(path, gone).string());
    } else if (entry.kind == os::DirectoryEntry::Kind::file && entry.name != kMarker) {
      names.push_back(entry.name);
      files.push_back(path);
    }
  }
  TRY_ASSIGN(auto hashes, record.digests(files, reading, watch.quiet()));
  for (size_t i = 0; i < names.size(); ++i) digests.emplace(names[i], std::move(hashes[i]));
  return digests;
}

}  // namespace

std::string llama_server_archive(const Paths& paths) {
  return paths.cache_dir + "/llama-server.tar.gz";
}

Result<std::map<std::string, std::string>> digest_llama_server(const Paths& paths,
                                                               const Record& record,
                                                               Reading reading,
                                                               const Watch& watch) {
  return digest_tree(paths.llama_cpp_dir, record, reading, watch);
}

Result<ArtifactState> inspect_llama_server(const Paths& paths, const LlamaServerArtifact& wanted,
                                           const Installed& installed, const Record& record,
                                           const Watch& watch) {
  const auto marker = os::read_file(paths.llama_cpp_dir + "/" + kMarker, 1024);
  if (!marker) return ArtifactState::missing;
  if (*marker != wanted.artifact.sha256) return ArtifactState::outdated;
  // Without digests there is nothing to compare with.
  if (!installed.llama_server_files.contains(wanted.exec)) return ArtifactState::damaged;
  const auto found = digest_llama_server(paths, record, Reading::if_changed, watch);
  if (!found && found.error().code == ErrorCode::cancelled) return found.error();
  return found && *found == installed.llama_server_files ? ArtifactState::intact
                                                         : ArtifactState::damaged;
}

Result<InstalledLlamaServer> install_llama_server(const Paths& paths,
                                                  const LlamaServerArtifact& wanted,
                                                  const DownloadPolicy& policy,
                                                  const Watch& watch) {
  const std::string archive = llama_server_archive(paths);
  TRY_ASSIGN(const DownloadReport report, download({.urls = wanted.artifact.sources,
                                                    .sha256 = wanted.artifact.sha256,
                                                    .size_bytes = wanted.artifact.size_bytes},
                                                   archive, policy, watch));
  TRY_ASSIGN(const auto staging,
             os::TemporaryDirectory::create(fmt::format("{}/{}", paths.bin_dir, kStagingPrefix)));
  TRY(fill(staging, wanted, archive, watch));
  InstalledLlamaServer server{.artifact = {.url = wanted.artifact.url,
                                           .sha256 = wanted.artifact.sha256,
                                           .path = paths.llama_cpp_dir + "/" + wanted.exec,
                                           .size_bytes = 0},
                              .files = {},
                              .bytes_received = report.bytes_received};
  TRY_ASSIGN(server.files,
             digest_tree(staging.path(), Record(paths.record_file), Reading::always, watch));
  TRY_ASSIGN(const os::FileIdentity executable,
             os::file_identity(staging.path() + "/" + wanted.exec));
  server.artifact.size_bytes = executable.size_bytes;
  TRY(os::swap_directories(staging.path(), paths.llama_cpp_dir));
  TRY(os::remove_file(archive));
  return server;
}

}  // namespace runed::bootstrap
