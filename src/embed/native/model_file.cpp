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

Result<std::shared_ptr<const Tokenizer>> load_tokenizer(const ModelSource& source) {
  TRY_ASSIGN(std::shared_ptr<const ModelFile> file, ModelFile::open(source));
  TRY_ASSIGN(const Gguf gguf, Gguf::parse(file->bytes()));
  TRY_ASSIGN(const ModelHeader header, read_model_header(gguf));
  return make_tokenizer(std::move(file), gguf, header);
}

}  // namespace runed::embed::native
