#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/json.hpp"
#include "embed/model/hf/hf_directory.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

namespace runed::test {

/// A model directory in memory, of which files can be changed before it is read.
class ModelDirectory {
 public:
  ModelDirectory() = default;

  /// Reads one of tests/data/tiny.
  explicit ModelDirectory(const std::string& path) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
      if (!entry.is_regular_file()) continue;
      files_[std::filesystem::relative(entry.path(), path)] = read_text(entry.path());
    }
  }

  std::string& operator[](const std::string& name) { return files_[name]; }
  void erase(const std::string& name) { files_.erase(name); }

  /// Changes a JSON file: `edit` is given the document.
  template <typename Edit>
  ModelDirectory& edit(const std::string& name, const Edit& edit) {
    Json json = unwrap(parse_json(files_.at(name), KeyLimit::none));
    edit(json);
    files_[name] = to_line(json);
    return *this;
  }

  Result<embed::hf::DirectoryFiles> open() const {
    const auto open =
        [this](const std::string& name) -> Result<std::optional<std::span<const std::byte>>> {
      const auto found = files_.find(name);
      if (found == files_.end()) return std::nullopt;
      return std::as_bytes(std::span(found->second));
    };
    const auto exists = [this](const std::string& name) { return files_.contains(name); };
    return embed::hf::DirectoryFiles::open({.open = open, .exists = exists});
  }

  /// Reads it; the result borrows the directory.
  Result<embed::Gguf> read(const std::string& name = "tiny") const {
    TRY_ASSIGN(const auto files, open());
    return embed::hf::read_directory(files, name);
  }

  /// Writes its files below a path.
  void write(const std::string& path) const {
    for (const auto& [name, content] : files_) {
      std::filesystem::create_directories(std::filesystem::path(path + "/" + name).parent_path());
      write_text(path + "/" + name, content);
    }
  }

 private:
  std::map<std::string, std::string> files_;
};

/// A safetensors file of this header, as JSON text, and data.
inline std::string safetensors_file(const std::string& header, const std::string& data) {
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + header + data;
}

}  // namespace runed::test
