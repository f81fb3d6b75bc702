#include "bootstrap/install/record.hpp"

#include <algorithm>
#include <charconv>

#include "base/json.hpp"
#include "base/text.hpp"
#include "bootstrap/config/json_document.hpp"
#include "bootstrap/install/hash_file.hpp"
#include "embed/model/model_file.hpp"
#include "os/file/atomic_file.hpp"
#include "os/file/file_reader.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {
namespace {

constexpr size_t kMostBytes = size_t{4} << 20;
constexpr const char* kFiles = "files";

Json read(const std::string& path) {
  Json document;
  if (const auto text = os::read_file(path, kMostBytes)) {
    if (auto parsed = parse_json(*text); parsed && parsed->is_object()) document = *parsed;
  }
  if (!document.is_object() || !document[kFiles].is_object()) {
    document = {{"version", 1}, {kFiles, Json::object()}};
  }
  return document;
}

// JSON has no other name for a path that is not UTF-8. Two files that share one differ in identity.
std::string key_of(const std::string& file) {
  return escape_invalid_utf8(file);
}

std::string file_of(std::string_view key) {
  std::string file;
  while (!key.empty()) {
    unsigned int byte = 0;
    if (key.size() >= 4 && key.starts_with("\\x") &&
        std::from_chars(key.data() + 2, key.data() + 4, byte, 16).ptr == key.data() + 4 &&
        byte >= 0x80) {
      file += static_cast<char>(byte);
      key.remove_prefix(4);
    } else {
      file += key.front();
      key.remove_prefix(1);
    }
  }
  return file;
}

Json to_json(const os::FileIdentity& identity) {
  return {{"device", identity.device},
          {"inode", identity.inode},
          {"size", identity.size_bytes},
          {"mtime_ns", identity.modified.count()},
          {"ctime_ns", identity.changed.count()}};
}

Json to_entry(const os::FileIdentity& identity, const std::string& sha256) {
  return {{"identity", to_json(identity)}, {"sha256", sha256}};
}

std::optional<std::string> find_in(const Json& document, const std::string& file) {
  const auto identity = os::file_identity(file);
  const auto entry = document[kFiles].find(key_of(file));
  if (!identity || entry == document[kFiles].end() || !entry->is_object() ||
      entry->value("identity", Json()) != to_json(*identity)) {
    return std::nullopt;
  }
  const auto digest = entry->find("sha256");
  if (digest == entry->end() || !digest->is_string()) return std::nullopt;
  return digest->get<std::string>();
}

Json without_missing(Json files) {
  Json kept = Json::object();
  for (auto& [key, entry] : files.items()) {
    if (os::exists(key) || os::exists(file_of(key))) kept[key] = std::move(entry);
  }
  return kept;
}

// A record that cannot be written is no fault: the next boot hashes once more.
void write(const std::string& path, Json document) {
  document[kFiles] = without_missing(std::move(document[kFiles]));
  static_cast<void>(os::write_file_atomically(path, to_document(document), 0600).has_value());
}

}  // namespace

std::optional<std::string> Record::find(const std::string& file) const {
  return find_in(read(path_), file);
}

Result<std::vector<std::string>> Record::digests(const std::vector<std::string>& files,
                                                 Reading reading, const Watch& watch) const {
  Json document = read(path_);
  bool is_new = false;
  std::vector<std::string> digests;
  for (const std::string& file : files) {
    if (auto known = find_in(document, file); known && reading == Reading::if_changed) {
      digests.push_back(*std::move(known));
      continue;
    }
    TRY_ASSIGN(const os::FileIdentity before, os::settled_identity(file));
    TRY_ASSIGN(digests.emplace_back(), hash_file(file, watch));
    TRY_ASSIGN(const os::FileIdentity after, os::file_identity(file));
    if (before != after) continue;  // Somebody wrote to it meanwhile.
    document[kFiles][key_of(file)] = to_entry(after, digests.back());
    is_new = true;
  }
  if (is_new) write(path_, std::move(document));
  return digests;
}

Result<std::string> Record::digest(const std::string& file, Reading reading,
                                   const Watch& watch) const {
  TRY_ASSIGN(auto all, digests({file}, reading, watch));
  return std::move(all.front());
}

Result<std::string> Record::model_digest(const std::string& file, Reading reading,
                                         const Watch& watch, const ModelInspector& inspect) const {
  if (auto known = find_model(file); known && reading == Reading::if_changed) {
    return *std::move(known);
  }
  if (os::is_directory(file)) {
    TRY_ASSIGN(const auto directory, embed::ModelFile::open({.bytes = {}, .path = file}));
    if (inspect) TRY(inspect(file));
    TRY_ASSIGN(const auto each, digests(directory->paths(), reading, watch));
    return directory->digest_of_files(each);
  }
  auto reader = os::FileReader::open(file);
  if (!reader) {
    Error error = std::move(reader).error();
    if (error.code == ErrorCode::bad_input) error.code = ErrorCode::model_corrupt;  // Of its kind.
    return error;
  }
  TRY_ASSIGN(const auto block, reader->next());
  const std::string_view begin(reinterpret_cast<const char*>(block.data()),
                               std::min(block.size(), kGgufMagic.size()));
  if (begin != kGgufMagic) {
    return make_error(ErrorCode::model_corrupt,
                      "cannot use the model '{}': not a GGUF file: it starts with '{}'", file,
                      printable(begin));
  }
  if (inspect) TRY(inspect(file));
  return digest(file, reading, watch);
}

std::optional<std::string> Record::find_model(const std::string& path) const {
  if (!os::is_directory(path)) return find(path);
  const auto directory = embed::ModelFile::open({.bytes = {}, .path = path});
  if (!directory) return std::nullopt;
  Json document = read(path_);
  std::vector<std::string> digests;
  for (const std::string& file : (*directory)->paths()) {
    auto known = find_in(document, file);
    if (!known) return std::nullopt;
    digests.push_back(*std::move(known));
  }
  return (*directory)->digest_of_files(digests);
}

void Record::remember(const std::string& file, const std::string& sha256) const {
  const auto identity = os::file_identity(file);
  if (!identity) return;
  Json document = read(path_);
  document[kFiles][key_of(file)] = to_entry(*identity, sha256);
  write(path_, std::move(document));
}

void Record::forget_missing() const {
  Json document = read(path_);
  const size_t known = document[kFiles].size();
  if (without_missing(document[kFiles]).size() < known) write(path_, std::move(document));
}

}  // namespace runed::bootstrap
