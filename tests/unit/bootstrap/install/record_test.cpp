#include "bootstrap/install/record.hpp"

#include <filesystem>

#include "base/json.hpp"
#include "base/sha256.hpp"
#include "bootstrap/install/hash_file.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::sha256_hex;
using runed::bootstrap::hash_file;
using runed::bootstrap::Reading;
using runed::bootstrap::Record;
using runed::bootstrap::Watch;
using runed::test::read_text;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

namespace {

struct Fixture {
  Fixture() { write_text(file, "content"); }

  TempDir dir;
  Record record{dir / "record.json"};
  std::string file = dir / "file";
  int hashed = 0;  // Blocks that were read.
  Watch watch{
      .is_cancelled = {}, .on_progress = [this](uint64_t, uint64_t) { ++hashed; }, .on_event = {}};
};

}  // namespace

TEST_CASE("a file is hashed once, and then remembered") {
  Fixture fixture;
  CHECK(unwrap(fixture.record.digest(fixture.file, Reading::if_changed, fixture.watch)) ==
        sha256_hex("content"));
  CHECK(fixture.hashed == 1);
  CHECK(unwrap(fixture.record.digest(fixture.file, Reading::if_changed, fixture.watch)) ==
        sha256_hex("content"));
  CHECK(fixture.hashed == 1);
}

TEST_CASE("a file that was changed is hashed again, even with its size and time put back") {
  Fixture fixture;
  unwrap(fixture.record.digest(fixture.file, Reading::if_changed, fixture.watch));
  const auto time = std::filesystem::last_write_time(fixture.file);
  write_text(fixture.file, "CONTENT");
  std::filesystem::last_write_time(fixture.file, time);
  CHECK_FALSE(fixture.record.find(fixture.file).has_value());
  CHECK(unwrap(fixture.record.digest(fixture.file, Reading::if_changed, fixture.watch)) ==
        sha256_hex("CONTENT"));
}

TEST_CASE("a file that is written to twice in a moment is hashed twice") {
  Fixture fixture;
  for (int round = 0; round < 10; ++round) {
    for (const char* content : {"content", "CONTENT"}) {
      write_text(fixture.file, content);
      CHECK(unwrap(fixture.record.digest(fixture.file, Reading::if_changed, {})) ==
            sha256_hex(content));
    }
  }
}

TEST_CASE("another file that took the path is hashed again") {
  Fixture fixture;
  unwrap(fixture.record.digest(fixture.file, Reading::if_changed, fixture.watch));
  write_text(fixture.dir / "other", "content");
  std::filesystem::rename(fixture.dir / "other", fixture.file);
  CHECK_FALSE(fixture.record.find(fixture.file).has_value());
}

TEST_CASE("files that are gone are forgotten") {
  Fixture fixture;
  unwrap(fixture.record.digest(fixture.file, Reading::if_changed, fixture.watch));
  std::filesystem::remove(fixture.file);
  write_text(fixture.dir / "other", "x");
  unwrap(fixture.record.digest(fixture.dir / "other", Reading::if_changed, fixture.watch));
  CHECK(read_text(fixture.dir / "record.json").find(fixture.file) == std::string::npos);
}

TEST_CASE("a damaged record costs a reading, and no more") {
  Fixture fixture;
  unwrap(fixture.record.digest(fixture.file, Reading::if_changed, fixture.watch));
  const std::string whole = read_text(fixture.dir / "record.json");
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string(R"({"files":[]})"),
        R"({"files":{")" + fixture.file + R"(":7}})", whole.substr(0, whole.size() / 2)}) {
    CAPTURE(text);
    write_text(fixture.dir / "record.json", text);
    CHECK(unwrap(fixture.record.digest(fixture.file, Reading::if_changed, {})) ==
          sha256_hex("content"));
    CHECK(fixture.record.find(fixture.file) == sha256_hex("content"));
  }
}

TEST_CASE("a record that cannot be written is no fault") {
  Fixture fixture;
  const Record record(fixture.dir / "no/such/record.json");
  CHECK(unwrap(record.digest(fixture.file, Reading::if_changed, {})) == sha256_hex("content"));
}

TEST_CASE("hashing stops when it is told to") {
  const Fixture fixture;
  const Watch watch{.is_cancelled = [] { return true; }, .on_progress = {}, .on_event = {}};
  CHECK(unwrap_error(hash_file(fixture.file, watch)).code == ErrorCode::cancelled);
}

TEST_CASE("asked to, it reads a file again that seems not to have changed") {
  Fixture fixture;
  fixture.record.remember(fixture.file, "what a disk that rots does not show");
  CHECK(unwrap(fixture.record.digest(fixture.file, Reading::always, {})) == sha256_hex("content"));
  CHECK(fixture.record.find(fixture.file) == sha256_hex("content"));
}

TEST_CASE("a path that is not UTF-8 is known again, and is no other file") {
  Fixture fixture;
  const std::string odd = fixture.dir / "\xffx\\x";
  write_text(odd, "odd");
  CHECK(unwrap(fixture.record.digest(odd, Reading::if_changed, {})) == sha256_hex("odd"));
  CHECK(fixture.record.find(odd) == sha256_hex("odd"));
  fixture.record.remember(fixture.file, "written beside it");
  CHECK(fixture.record.find(odd) == sha256_hex("odd"));
  const std::string same_key = fixture.dir / "\\xffx\\x";
  write_text(same_key, "plain");
  CHECK_FALSE(fixture.record.find(same_key).has_value());
  CHECK(unwrap(fixture.record.digest(same_key, Reading::if_changed, {})) == sha256_hex("plain"));
}

TEST_CASE("what does not begin as a model is not hashed as one") {
  Fixture fixture;
  const auto error =
      unwrap_error(fixture.record.model_digest(fixture.file, Reading::always, fixture.watch));
  CHECK(error.code == ErrorCode::model_corrupt);
  CHECK(error.message ==
        "cannot use the model '" + fixture.file + "': not a GGUF file: it starts with 'cont'");
  write_text(fixture.file, "GG");
  CHECK_FALSE(fixture.record.model_digest(fixture.file, Reading::always, fixture.watch));
  CHECK(fixture.hashed == 0);
  write_text(fixture.file, "GGUF and more");
  CHECK(unwrap(fixture.record.model_digest(fixture.file, Reading::always, fixture.watch)) ==
        sha256_hex("GGUF and more"));
}

TEST_CASE("the files of a directory are hashed once, and then only those that have changed") {
  Fixture fixture;
  const std::string path = fixture.dir / "model/";
  std::filesystem::create_directories(path);
  write_text(path + "config.json", "{}");
  write_text(path + "model.safetensors", "weights");
  write_text(path + "README.md", "of no matter");
  const auto digest = [&](Reading reading) {
    fixture.hashed = 0;
    return unwrap(fixture.record.model_digest(path, reading, fixture.watch));
  };
  const std::string expected =
      sha256_hex(sha256_hex("{}") + "  config.json\n" + sha256_hex("weights") +
                 "  model.safetensors\nname model\n");
  CHECK_FALSE(fixture.record.find_model(path).has_value());
  CHECK(digest(Reading::if_changed) == expected);
  CHECK(fixture.hashed == 2);
  CHECK(fixture.record.find_model(path) == expected);
  CHECK(digest(Reading::if_changed) == expected);
  CHECK(fixture.hashed == 0);
  CHECK(digest(Reading::always) == expected);
  CHECK(fixture.hashed == 2);
  write_text(path + "config.json", "{ }");
  CHECK_FALSE(fixture.record.find_model(path).has_value());
  CHECK(digest(Reading::if_changed) != expected);
  CHECK(fixture.hashed == 1);
  int inspected = 0;
  write_text(path + "config.json", "{  }");
  unwrap(fixture.record.model_digest(path, Reading::if_changed, fixture.watch,
                                     [&](const std::string& inspected_path) -> runed::Status {
                                       CHECK(inspected_path == path);
                                       ++inspected;
                                       return {};
                                     }));
  CHECK(inspected == 1);
  std::filesystem::remove(path + "config.json");
  CHECK(unwrap_error(fixture.record.model_digest(path, Reading::if_changed, fixture.watch)).code ==
        ErrorCode::model_missing);
}
