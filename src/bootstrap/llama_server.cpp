#include "bootstrap/llama_server.hpp"

#include <utility>

#include "bootstrap/hash_file.hpp"
#include "bootstrap/unpack.hpp"
#include "os/atomic_file.hpp"
#include "os/directories.hpp"
#include "os/files.hpp"

namespace runed::bootstrap {
namespace {

constexpr const char* kMarker = ".llama_server.sha256";
constexpr unsigned kExecutableMode = 0755;

// The tree that is being made, removed unless it takes the place of the old one; after that it is
// the old one.
class Staging {
 public:
  static Result<Staging> create(const Paths& paths) {
    TRY_ASSIGN(std::string path, os::make_temporary_directory(paths.bin_dir + "/.llama-cpp-"));
    return Staging(std::move(path));
  }
  Staging(Staging&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Staging& operator=(Staging&&) = delete;
  ~Staging() {
    // What cannot be removed now is a left-over that gc finds.
    if (!path_.empty()) static_cast<void>(os::remove_tree(path_).has_value());
  }

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  explicit Staging(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

Status fill(const Staging& staging, const LlamaServerArtifact& wanted, const std::string& archive,
            const Watch& watch) {
  const std::string executable = staging / wanted.exec;
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
  return os::write_file_atomically(staging / kMarker, wanted.artifact.sha256, 0600);
}

Result<std::map<std::string, std::string>> hash_tree(const std::string& directory,
                                                     const Watch& watch) {
  std::map<std::string, std::string> digests;
  const Watch quiet{.is_cancelled = watch.is_cancelled, .on_progress = {}, .on_event = {}};
  TRY_ASSIGN(const auto entries, os::list_tree(directory));
  for (const os::DirectoryEntry& entry : entries) {
    if (entry.kind != os::DirectoryEntry::Kind::file || entry.name == kMarker) continue;
    TRY_ASSIGN(std::string digest, hash_file(directory + "/" + entry.name, quiet));
    digests.emplace(entry.name, std::move(digest));
  }
  return digests;
}

}  // namespace

std::string llama_server_archive(const Paths& paths) {
  return paths.cache_dir + "/llama-server.tar.gz";
}

Result<LlamaServerState> inspect_llama_server(const Paths& paths, const LlamaServerArtifact& wanted,
                                              const Installed& installed, const Record& record,
                                              const Watch& watch) {
  const std::string directory = paths.llama_cpp_dir + "/";
  const auto marker = os::read_file(directory + kMarker, 1024);
  if (!marker) return LlamaServerState::missing;
  if (*marker != wanted.artifact.sha256) return LlamaServerState::outdated;
  const auto& files = installed.llama_server_files;
  if (!files.contains(wanted.exec)) return LlamaServerState::damaged;  // Nothing to compare with.
  std::vector<std::string> paths_of_files;
  std::vector<std::string> expected;
  for (const auto& [name, digest] : files) {
    paths_of_files.push_back(directory + name);
    expected.push_back(digest);
  }
  const auto found = record.digests(paths_of_files, watch);
  if (!found && found.error().code == ErrorCode::cancelled) return found.error();
  return found && *found == expected ? LlamaServerState::intact : LlamaServerState::damaged;
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
  TRY_ASSIGN(const Staging staging, Staging::create(paths));
  TRY(fill(staging, wanted, archive, watch));
  InstalledLlamaServer server{.artifact = {.url = wanted.artifact.url,
                                           .sha256 = wanted.artifact.sha256,
                                           .path = paths.llama_cpp_dir + "/" + wanted.exec,
                                           .size_bytes = 0},
                              .files = {},
                              .bytes_received = report.bytes_received};
  TRY_ASSIGN(server.files, hash_tree(staging.path(), watch));
  TRY_ASSIGN(const os::FileIdentity executable, os::file_identity(staging / wanted.exec));
  server.artifact.size_bytes = executable.size_bytes;
  TRY(os::swap_directories(staging.path(), paths.llama_cpp_dir));
  TRY(os::remove_file(archive));
  return server;
}

}  // namespace runed::bootstrap
