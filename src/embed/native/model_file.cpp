#include "embed/native/model_file.hpp"

#include <utility>

#include "embed/native/native_tokenizer.hpp"

namespace runed::embed::native {

Result<std::shared_ptr<const ModelFile>> ModelFile::open(const ModelSource& source) {
  os::MappedFile map;
  std::span<const std::byte> bytes = source.bytes;
  if (bytes.empty()) {
    auto mapped = os::MappedFile::open(source.path);
    if (!mapped.has_value()) {
      Error error = std::move(mapped).error();
      if (error.code == ErrorCode::not_found) error.code = ErrorCode::model_missing;
      return error;
    }
    map = std::move(mapped).value();
    bytes = map.bytes();
  }
  return std::shared_ptr<const ModelFile>(new ModelFile(std::move(map), bytes));
}

Result<std::shared_ptr<const Tokenizer>> make_tokenizer(std::shared_ptr<const ModelFile> file,
                                                        const Gguf& gguf,
                                                        const ModelHeader& header) {
  struct Held {
    std::shared_ptr<const ModelFile> file;
    std::unique_ptr<const NativeTokenizer> tokenizer;
  };
  TRY_ASSIGN(auto tokenizer, NativeTokenizer::create(gguf, header));
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
