#include "embed/model/model_file.hpp"

#include <filesystem>

#include "base/sha256.hpp"
#include "support/change_file.hpp"
#include "support/model_directory.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::embed::about;
using runed::embed::identify;
using runed::embed::identity_at;
using runed::embed::ModelFile;
using runed::embed::ModelSource;
using runed::embed::read_unchanged;
using runed::test::ModelDirectory;
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
  const Error directory = unwrap_error(ModelFile::open({{}, dir.path()}));
  CHECK(directory.code == ErrorCode::model_missing);
  CHECK(directory.message ==
        "cannot use the model '" + dir.path() +
            "': it is a directory, not a regular file, and no model: config.json is not in it");
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

TEST_CASE(
    "a directory is one file to who asks: its digest is that of what sha256sum prints, and its "
    "name") {
  const TempDir dir;
  const ModelDirectory tiny(std::string(RUNED_TEST_DATA) + "/tiny/bert-dense");
  tiny.write(dir / "m");
  write_text(dir / "m/README.md", "of no matter");
  const auto file = unwrap(ModelFile::open({{}, dir / "m/"}));
  CHECK(file->is_directory());
  CHECK(file->bytes().empty());
  std::string lines;
  uint64_t size = 0;
  for (const std::string name :
       {"1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors", "config.json",
        "model.safetensors", "modules.json", "sentence_bert_config.json", "tokenizer.json",
        "tokenizer_config.json"}) {
    const std::string content = read_text(dir / "m/" + name);
    lines += runed::sha256_hex(content) + "  " + name + "\n";
    size += content.size();
  }
  lines += "name m\n";
  CHECK(unwrap(file->digest()) == runed::sha256_hex(lines));
  CHECK(file->size_bytes() == size);
  CHECK(file->identity().size_bytes == size);
  CHECK(unwrap(file->current_identity()) == file->identity());
  CHECK(unwrap(identity_at(dir / "m")) == file->identity());
  CHECK(file->path_for_others() == dir / "m/");
  CHECK(file->paths().front() == dir / "m//1_Pooling/config.json");
  CHECK(unwrap(file->gguf()).find_tensor("dense_2.weight") != nullptr);
  CHECK(unwrap(unwrap(file->gguf_metadata()).string_value("general.name")) == "m");
  write_text(dir / "m/README.md", "still of no matter");
  CHECK(unwrap(identity_at(dir / "m")) == file->identity());
}

TEST_CASE("whichever file of a directory is written to, the model was changed") {
  for (const std::string name : {"config.json", "model.safetensors", "1_Pooling/config.json"}) {
    CAPTURE(name);
    const TempDir dir;
    ModelDirectory(std::string(RUNED_TEST_DATA) + "/tiny/bert-mean").write(dir / "m");
    const auto file = unwrap(ModelFile::open({{}, dir / "m"}));
    unwrap(file->check_unchanged());
    std::string content = read_text(dir / "m/" + name);
    content.back() = ' ';
    runed::test::overwrite(dir / "m/" + name, content);
    CHECK(unwrap_error(file->check_unchanged()).message ==
          "the model '" + (dir / "m") + "' was changed while it was used: " + name +
              ": it was written to");
    CHECK(unwrap(file->current_identity()) != file->identity());
    CHECK(unwrap(identity_at(dir / "m")) != file->identity());
  }
}

TEST_CASE("a directory may be links into a store, as the cache of the hub is") {
  const TempDir dir;
  const std::string from = std::string(RUNED_TEST_DATA) + "/tiny/bert-mean";
  const std::string revision = dir / "models--owner--bert-mean/snapshots/c9745ed1";
  ModelDirectory(from).write(dir / "blobs");
  std::filesystem::create_directories(revision + "/1_Pooling");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(from)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = std::filesystem::relative(entry.path(), from);
    std::filesystem::create_symlink(dir / "blobs/" + name, revision + "/" + name);
  }
  const auto file = unwrap(ModelFile::open({{}, revision}));
  CHECK(unwrap(unwrap(file->gguf()).string_value("general.name")) == "bert-mean");
  CHECK(unwrap(file->digest()) == unwrap(unwrap(ModelFile::open({{}, from}))->digest()));
  // A blob that is not there.
  std::filesystem::remove(dir / "blobs/model.safetensors");
  CHECK(unwrap_error(ModelFile::open({{}, revision})).message ==
        "cannot use the model '" + revision +
            "': there are no weights: neither model.safetensors nor model.safetensors.index.json");
}
