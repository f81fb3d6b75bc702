#include "embed/native/model_file.hpp"

#include <chrono>
#include <filesystem>

#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::embed::native::about;
using runed::embed::native::ModelFile;
using runed::embed::native::ModelSource;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

namespace {

std::string text_of(const ModelFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

}  // namespace

TEST_CASE("a model file shows the bytes of the file, or of the memory that it was given") {
  const TempDir dir;
  write_text(dir / "model", "GGUF and more");
  CHECK(text_of(*unwrap(ModelFile::open({{}, dir / "model"}))) == "GGUF and more");
  const std::string text = "GGUF in memory";
  const auto borrowed = unwrap(ModelFile::open({std::as_bytes(std::span(text)), ""}));
  CHECK(static_cast<const void*>(borrowed->bytes().data()) == text.data());
  CHECK(borrowed->bytes().size() == text.size());
  CHECK_FALSE(borrowed->was_overwritten());
}

TEST_CASE("a model file that cannot be opened says why") {
  const TempDir dir;
  write_text(dir / "empty", "");
  const Error missing = unwrap_error(ModelFile::open({{}, dir / "none"}));
  CHECK(missing.code == ErrorCode::model_missing);
  CHECK(missing.message == "cannot open '" + (dir / "none") + "': no such file or directory");
  const Error empty = unwrap_error(ModelFile::open({{}, dir / "empty"}));
  CHECK(empty.code == ErrorCode::bad_input);
  CHECK(empty.message == "cannot map '" + (dir / "empty") + "': the file is empty");
  CHECK(unwrap_error(ModelFile::open({{}, dir.path()})).code == ErrorCode::bad_input);
}

TEST_CASE("a file that was written to in its place is known to be another one") {
  const TempDir dir;
  write_text(dir / "model", "GGUF and more");
  const auto file = unwrap(ModelFile::open({{}, dir / "model"}));
  CHECK_FALSE(file->was_overwritten());
  write_text(dir / "model", "GGUF of another size");
  CHECK(file->was_overwritten());
}

TEST_CASE("a file that was written to without a change of size is known by its time") {
  const TempDir dir;
  write_text(dir / "model", "GGUF and more");
  const auto file = unwrap(ModelFile::open({{}, dir / "model"}));
  write_text(dir / "model", "GGUF AND MORE");
  const auto before = std::filesystem::last_write_time(dir / "model");
  std::filesystem::last_write_time(dir / "model", before + std::chrono::milliseconds(10));
  CHECK(file->was_overwritten());
}

TEST_CASE("a file that lost its path to another one, or to none, is still itself") {
  const TempDir dir;
  write_text(dir / "model", "GGUF and more");
  write_text(dir / "new", "GGUF of another size");
  const auto file = unwrap(ModelFile::open({{}, dir / "model"}));
  std::filesystem::rename(dir / "new", dir / "model");
  CHECK_FALSE(file->was_overwritten());
  CHECK(text_of(*file) == "GGUF and more");
  std::filesystem::remove(dir / "model");
  CHECK_FALSE(file->was_overwritten());
  CHECK(text_of(*file) == "GGUF and more");
}

TEST_CASE("an error is about the file that it came from, once") {
  const ModelSource source{{}, "/m/a.gguf"};
  const Error bare = about(source, runed::make_error(ErrorCode::model_corrupt, "no tensors"));
  CHECK(bare.code == ErrorCode::model_corrupt);
  CHECK(bare.message == "cannot use the model '/m/a.gguf': no tensors");
  CHECK(about(source, bare).message == bare.message);
  const Error in_memory = runed::make_error(ErrorCode::model_corrupt, "no tensors");
  CHECK(about({}, in_memory).message == "no tensors");
}
