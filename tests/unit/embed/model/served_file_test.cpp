#include "embed/model/served_file.hpp"

#include <functional>

#include "base/sha256.hpp"
#include "support/change_file.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::sha256_hex;
using runed::embed::ServedFile;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

namespace {

constexpr const char* kText = "GGUF and more";
constexpr const char* kOther = "GGUF AND MORE";

// A served file in a directory of its own.
struct Served {
  Served() {
    write_text(path, kText);
    unwrap(file.open());
  }

  const TempDir dir;
  const std::string path = dir / "model";
  ServedFile file{ServedFile::Options{.source = {{}, path}}};
};

}  // namespace

TEST_CASE("a served file is what its bytes say, unless its digest is known already") {
  const TempDir dir;
  write_text(dir / "model", kText);
  ServedFile file({.source = {{}, dir / "model"}});
  CHECK(runed::test::as_text(unwrap(file.open())->bytes()) == kText);
  CHECK(file.sha256() == sha256_hex(kText));
  const std::string known(64, '0');
  ServedFile told({.source = {{}, dir / "model"},
                   .sha256 = known,
                   .file = unwrap(runed::os::file_identity(dir / "model"))});
  unwrap(told.open());
  CHECK(told.sha256() == known);
  ServedFile promised({.source = {{}, dir / "model"}, .promised_sha256 = known});
  CHECK(unwrap_error(promised.open()).code == ErrorCode::model_corrupt);
}

TEST_CASE("a file in memory is never another one") {
  const std::string text = kText;
  ServedFile file({.source = {std::as_bytes(std::span(text)), ""}});
  unwrap(file.open());
  unwrap(file.check());
  unwrap(file.check_unchanged());
  CHECK(unwrap(file.open())->bytes().size() == text.size());
}

TEST_CASE("what leaves the bytes alone leaves a served file as it is") {
  const auto make_link = [](const std::string& path) {
    std::filesystem::create_hard_link(path, path + ".link");
  };
  const auto replace = [](const std::string& path) { runed::test::rename_over(path, kOther); };
  const auto remove = [](const std::string& path) { std::filesystem::remove(path); };
  for (const std::function<void(const std::string&)>& change :
       {std::function<void(const std::string&)>(runed::test::change_mode), {make_link}, {replace},
        {remove}}) {
    Served served;
    change(served.path);
    unwrap(served.file.check_unchanged());
    unwrap(served.file.check());
    unwrap(served.file.check());
    CHECK(runed::test::as_text(unwrap(served.file.open())->bytes()) == kText);
    CHECK(served.file.sha256() == sha256_hex(kText));
    CHECK(runed::test::read_text(served.file.path_for_others()) == kText);
  }
}

TEST_CASE("a served file that was written to is refused, before and after a pass") {
  struct Case {
    std::function<void(const std::string&)> change;
    std::string found;
  };
  const std::vector<Case> cases{
      {[](const auto& path) { std::filesystem::resize_file(path, 4); },
       "its size is 4 bytes now, and was 13"},
      {[](const auto& path) { runed::test::overwrite(path, std::string(kText) + "!"); },
       "its size is 14 bytes now, and was 13"},
      {[](const auto& path) { runed::test::overwrite(path, kOther); }, "it was written to"},
      {[](const auto& path) { runed::test::touch(path); }, "it was written to"},
  };
  for (const Case& each : cases) {
    Served served;
    each.change(served.path);
    for (const Error& error :
         {unwrap_error(served.file.check_unchanged()), unwrap_error(served.file.check())}) {
      CHECK(error.code == ErrorCode::model_corrupt);
      CHECK(error.message ==
            "the model '" + served.path + "' was changed while it was used: " + each.found);
    }
  }
}

TEST_CASE("a file overwritten with its time set back is found out before the next pass") {
  Served served;
  runed::test::overwrite_in_secret(served.path, kOther);
  unwrap(served.file.check_unchanged());  // The pass in which it happened.
  const Error error = unwrap_error(served.file.check());
  CHECK(error.code == ErrorCode::model_corrupt);
  CHECK(error.message == "the model '" + served.path + "' was replaced: its SHA-256 is " +
                             sha256_hex(kOther) + ", not " + sha256_hex(kText));
}

TEST_CASE("once told, a served file is opened again only if it is the same") {
  Served served;
  runed::test::overwrite(served.path, kOther);
  const std::string expected = "the model '" + served.path + "' was replaced: its SHA-256 is " +
                               sha256_hex(kOther) + ", not " + sha256_hex(kText);
  CHECK(unwrap_error(served.file.open()).message == expected);
  CHECK(unwrap_error(served.file.open()).message == expected);
  CHECK(served.file.size_bytes() == 0);
  write_text(served.path, "GGUF");
  CHECK(unwrap_error(served.file.open()).message ==
        "the model '" + served.path + "' was replaced: its size is 4 bytes, not 13");
  std::filesystem::remove(served.path);
  CHECK(unwrap_error(served.file.open()).code == ErrorCode::model_missing);
  write_text(served.path, "");
  CHECK(unwrap_error(served.file.open()).code == ErrorCode::model_corrupt);
  write_text(served.path, kText);
  CHECK(runed::test::as_text(unwrap(served.file.open())->bytes()) == kText);
  unwrap(served.file.check());
  CHECK(served.file.sha256() == sha256_hex(kText));
}

TEST_CASE("a file of which nothing was told yet may be another one at the next start") {
  Served served;
  runed::test::overwrite(served.path, kOther);
  served.file.forget();
  CHECK(runed::test::as_text(unwrap(served.file.open())->bytes()) == kOther);
  CHECK(served.file.sha256() == sha256_hex(kOther));
}
