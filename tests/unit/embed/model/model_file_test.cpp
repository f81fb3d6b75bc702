#include "embed/model/model_file.hpp"

#include <filesystem>

#include "base/sha256.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::embed::about;
using runed::embed::identify;
using runed::embed::ModelFile;
using runed::embed::ModelSource;
using runed::embed::read_unchanged;
using runed::test::read_text;
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
  unwrap(borrowed->check_unchanged());
  CHECK(unwrap(borrowed->digest()) == runed::sha256_hex(text));
  CHECK(borrowed->path_for_others().empty());
}

TEST_CASE("a model file that cannot be opened says why") {
  const TempDir dir;
  write_text(dir / "empty", "");
  const Error missing = unwrap_error(ModelFile::open({{}, dir / "none"}));
  CHECK(missing.code == ErrorCode::model_missing);
  CHECK(missing.message == "cannot open '" + (dir / "none") + "': no such file or directory");
  const Error empty = unwrap_error(ModelFile::open({{}, dir / "empty"}));
  CHECK(empty.code == ErrorCode::model_corrupt);
  CHECK(empty.message == "cannot map '" + (dir / "empty") + "': the file is empty");
  CHECK(unwrap_error(ModelFile::open({{}, dir.path()})).code == ErrorCode::model_corrupt);
}

TEST_CASE("what was read of a file that was written to meanwhile does not count") {
  const TempDir dir;
  const std::string path = dir / "model";
  write_text(path, "GGUF and more");
  const auto file = unwrap(ModelFile::open({{}, path}));
  const auto read = [&](const std::string& found) {
    return read_unchanged(*file, [&] { return runed::Result<std::string>(found); });
  };
  CHECK(unwrap(read("found")) == "found");
  CHECK(unwrap(file->digest()) == runed::sha256_hex("GGUF and more"));
  write_text(path, "GGUF AND MORE");
  const Error written = unwrap_error(read("found"));
  CHECK(written.code == ErrorCode::model_corrupt);
  CHECK(written.message ==
        "the model '" + path + "' was changed while it was used: it was written to");
  CHECK(unwrap_error(file->digest()).message == written.message);
  write_text(path, "GGUF of another size");
  CHECK(unwrap_error(read("found")).message ==
        "the model '" + path +
            "' was changed while it was used: its size is 20 bytes now, and was 13");
}

TEST_CASE("a file that lost its path to another one, or to none, is still itself") {
  const TempDir dir;
  write_text(dir / "model", "GGUF and more");
  write_text(dir / "new", "GGUF of another size");
  const auto file = unwrap(ModelFile::open({{}, dir / "model"}));
  CHECK(file->path_for_others() == dir / "model");
  std::filesystem::rename(dir / "new", dir / "model");
  unwrap(file->check_unchanged());
  CHECK(text_of(*file) == "GGUF and more");
  CHECK(read_text(file->path_for_others()) == "GGUF and more");
  std::filesystem::remove(dir / "model");
  unwrap(file->check_unchanged());
  CHECK(text_of(*file) == "GGUF and more");
  CHECK(read_text(file->path_for_others()) == "GGUF and more");
  CHECK(unwrap(file->digest()) == runed::sha256_hex("GGUF and more"));
}

TEST_CASE("a digest that is known is taken for the file that it is of, and for no other") {
  const TempDir dir;
  write_text(dir / "model", "GGUF and more");
  const auto file = unwrap(ModelFile::open({{}, dir / "model"}));
  const std::string known(64, '0');
  CHECK(unwrap(identify(*file, known, file->identity(), "")) == known);
  CHECK(unwrap(identify(*file, known, {}, "")) == runed::sha256_hex("GGUF and more"));
  const Error other = unwrap_error(identify(*file, known, {}, known));
  CHECK(other.code == ErrorCode::model_corrupt);
  CHECK(other.message == "the file was replaced: its SHA-256 is " +
                             runed::sha256_hex("GGUF and more") + ", not " + known);
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
