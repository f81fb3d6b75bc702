#include "embed/native/model_file.hpp"

#include <utility>

#include "base/sha256.hpp"
#include "embed/native/native_tokenizer.hpp"

namespace runed::embed::native {

Result<std::shared_ptr<const ModelFile>> ModelFile::open(const ModelSource& source) {
  std::shared_ptr<ModelFile> file(new ModelFile);
  file->bytes_ = source.bytes;
  if (source.bytes.empty()) {
    auto mapped = os::MappedFile::open(source.path);
    if (!mapped.has_value()) {
      Error error = std::move(mapped).error();
      if (error.code == ErrorCode::not_found) error.code = ErrorCode::model_missing;
      return error;
    }
    file->path_ = source.path;
    TRY_ASSIGN(file->identity_, os::file_identity(source.path));
    file->map_ = *std::move(mapped);
    file->bytes_ = file->map_.bytes();
  }
  return std::shared_ptr<const ModelFile>(std::move(file));
}

bool ModelFile::was_overwritten() const {
  if (path_.empty()) return false;
  const auto now = os::file_identity(path_);
  return now && now->device == identity_.device && now->inode == identity_.inode &&
         *now != identity_;
}

Result<std::string> identify(const ModelFile& file, const std::string& sha256,
                             const os::FileIdentity& of, const std::string& promised) {
  const bool is_known = !sha256.empty() && file.identity() == of;
  std::string found = is_known ? sha256 : sha256_hex(file.bytes());
  if (promised.empty() || found == promised) return found;
  return make_error(ErrorCode::model_corrupt, "the file was replaced: its SHA-256 is {}, not {}",
                    found, promised)
      .with_hint("'runed verify --fix' installs again what is broken");
}

Result<std::shared_ptr<const Tokenizer>> make_tokenizer(std::shared_ptr<const ModelFile> file,
                                                        const Gguf& gguf, const ModelHeader& header,
                                                        ThreadPool* pool) {
  struct Held {
    std::shared_ptr<const ModelFile> file;
    std::unique_ptr<const NativeTokenizer> tokenizer;
  };
  TRY_ASSIGN(auto tokenizer, NativeTokenizer::create(gguf, header, pool));
  auto held = std::make_shared<const Held>(Held{std::move(file), std::move(tokenizer)});
  return std::shared_ptr<const Tokenizer>(held, held->tokenizer.get());
}

Error about(const ModelSource& source, Error error) {
  if (!source.path.empty() && error.message.find(source.path) == std::string::npos) {
    error.message = fmt::format("cannot use the model '{}': {}", source.path, error.message);
  }
  return error;
}

}  // namespace runed::embed::native
