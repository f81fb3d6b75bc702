// What the llama-server engine does when somebody else changes the file that the server maps.

#include <csignal>
#include <functional>
#include <thread>

#include "base/sha256.hpp"
#include "os/file/files.hpp"
#include "stage.hpp"
#include "support/change_file.hpp"
#include "support/eventually.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::test::contains;
using runed::test::eventually;
using runed::test::read_record;
using runed::test::Stage;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

using Change = std::function<void(const std::string& path)>;

constexpr uint32_t kDimension = Stage::kDimension;
constexpr runed::embed::TokenId kToken = 77;  // On which a server does what its mode says.

// A stage whose engine has started on a file of its own.
struct OwnFile : Stage {
  explicit OwnFile(std::vector<std::string> modes = {}) : Stage(std::move(modes)) {
    use_file([](std::string&) {});
    path = options.source.path;
    start();
  }

  std::string path;
};

std::string other_model() {
  std::string bytes(runed::test::as_text(runed::embed::builtin_model()));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  return bytes;
}

void cut_in_half(const std::string& path) {
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
}

const std::vector<Change> kBadChanges{
    cut_in_half,
    [](const auto& path) { runed::test::overwrite(path, other_model()); },
    [](const auto& path) { runed::test::overwrite_in_secret(path, other_model()); },
    runed::test::touch,
};

const std::vector<Change> kGoodChanges{
    runed::test::change_mode,
    [](const auto& path) { std::filesystem::create_hard_link(path, path + ".link"); },
    [](const auto& path) { runed::test::rename_over(path, other_model()); },
    [](const auto& path) { std::filesystem::remove(path); },
};

}  // namespace

TEST_CASE("a server whose file is written to between two passes gives no vector any more") {
  for (const Change& change : kBadChanges) {
    OwnFile stage;
    unwrap(stage.embed({{1}}));
    change(stage.path);
    const Error error = unwrap_error(stage.embed({{1}}));
    CHECK(error.code == ErrorCode::model_corrupt);
    CHECK(contains(error.message, "the model '" + stage.path + "' was "));
    CHECK(unwrap_error(stage.embed({})).code == ErrorCode::model_corrupt);
  }
}

TEST_CASE("no vector of a server's pass leaves in which the file was written to") {
  OwnFile stage({fmt::format("hang-on-token={}", kToken)});
  std::jthread changer([&] {
    if (!eventually([&] { return read_record(stage.dir / "record").requests.size() > 2; })) return;
    cut_in_half(stage.path);
    ::kill(stage.last_pid(), SIGBUS);  // As the kernel does to who reads what is gone.
  });
  const Error error = unwrap_error(stage.embed({{kToken}}));
  CHECK(error.code == ErrorCode::model_corrupt);
  CHECK(error.message.starts_with("the model '" + stage.path + "' was changed while it was used"));
}

TEST_CASE("a server that died of its file between two passes is told as the file's fault") {
  OwnFile stage;
  cut_in_half(stage.path);
  ::kill(stage.last_pid(), SIGBUS);
  CHECK(eventually([&] { return stage.deaths == 1; }));
  CHECK(unwrap_error(stage.embed({})).code == ErrorCode::model_corrupt);
}

TEST_CASE("a server is started for the file that was told, or not at all") {
  for (const Change& change : {kBadChanges[0], kBadChanges[1], kBadChanges[2]}) {
    OwnFile stage;
    stage.engine->stop();
    change(stage.path);
    const size_t starts = stage.starts().size();
    for (int attempt = 0; attempt < 2; ++attempt) {
      CHECK(unwrap_error(stage.engine->start()).code == ErrorCode::model_corrupt);
    }
    CHECK(stage.starts().size() == starts);
    CHECK(stage.engine->info().model_sha256 == runed::embed::builtin_model_sha256());
    stage.use_file([](std::string&) {});
    unwrap(stage.engine->start());
    CHECK(unwrap(stage.embed({{1}})).size() == kDimension);
  }
}

TEST_CASE("what leaves the bytes of the file alone leaves the engine as it is") {
  for (const Change& change : kGoodChanges) {
    OwnFile stage;
    change(stage.path);
    unwrap(stage.embed({{1}}));
    stage.engine->stop();
    unwrap(stage.engine->start());
    unwrap(stage.embed({{1}}));
    CHECK(stage.engine->info().model_sha256 == runed::embed::builtin_model_sha256());
    // Whatever is at the path by now, the server gets the file that was opened first.
    CHECK(runed::sha256_hex(runed::test::read_text(stage.last_flag("--model"))) ==
          runed::embed::builtin_model_sha256());
  }
}

TEST_CASE("the copy of a model in memory is written again where somebody has changed it") {
  for (const Change& change : {Change(cut_in_half), Change(runed::test::touch)}) {
    Stage stage({});
    stage.start();
    change(stage.options.model_copy_path);
    CHECK(unwrap_error(stage.embed({{1}})).code == ErrorCode::engine_died);
    stage.engine->stop();
    unwrap(stage.engine->start());
    CHECK(unwrap(stage.embed({{1}})).size() == kDimension);
    CHECK(stage.engine->info().model_sha256 == runed::embed::builtin_model_sha256());
  }
}
