// What the native engine does when somebody else changes the file of its model.

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>

#include "base/sha256.hpp"
#include "embed/native/native_engine.hpp"
#include "support/change_file.hpp"
#include "support/eventually.hpp"
#include "support/random_model.hpp"
#include "support/read_file.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Result;
using runed::embed::TensorType;
using runed::embed::TokenId;
using runed::embed::native::NativeEngine;
using runed::test::as_text;
using runed::test::RandomModel;
using runed::test::read_file;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

namespace {

using Ids = std::vector<TokenId>;
using Vector = std::vector<float>;
using Change = std::function<void(const std::string& path)>;

const runed::SystemClock kClock;

// Two models that differ in nothing but their weights.
const RandomModel& model() {
  static const RandomModel one(TensorType::f32, runed::test::kBlockShape);
  return one;
}

const RandomModel& other_model() {
  static const RandomModel one(TensorType::f32, runed::test::kBlockShape);
  return one;
}

Result<Vector> embed(NativeEngine& engine, const Ids& text) {
  const std::array<uint32_t, 2> offsets{0, static_cast<uint32_t>(text.size())};
  Vector vector(engine.info().dimension);
  TRY(engine.embed({.ids = text, .offsets = offsets}, vector));
  return vector;
}

// An engine on a file of its own.
struct Engine {
  explicit Engine(std::span<const std::byte> bytes = model().file) : content(as_text(bytes)) {
    write_text(path, content);
    engine = unwrap(NativeEngine::create({.source = {{}, path}, .threads = 2}, kClock));
    unwrap(engine->start());
    expected = unwrap(embed(*engine, kText));
  }

  Error refusal() { return unwrap_error(embed(*engine, kText)); }
  void expect_right() { CHECK(unwrap(embed(*engine, kText)) == expected); }

  const TempDir dir;
  const std::string path = dir / "model.gguf";
  const std::string content;
  const Ids kText{5, 6, 7, 8};
  std::unique_ptr<NativeEngine> engine;
  Vector expected;
};

void cut_in_half(const std::string& path) {
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
}

void overwrite_with_other(const std::string& path) {
  REQUIRE(other_model().file.size() == std::filesystem::file_size(path));
  runed::test::overwrite(path, as_text(other_model().file));
}

const std::vector<std::pair<std::string, Change>> kBadChanges{
    {"truncated", cut_in_half},
    {"emptied", [](const auto& path) { std::filesystem::resize_file(path, 0); }},
    {"longer", [](const auto& path) { std::ofstream(path, std::ios::app) << "more"; }},
    {"overwritten", overwrite_with_other},
};

const std::vector<std::pair<std::string, Change>> kGoodChanges{
    {"mode", runed::test::change_mode},
    {"linked",
     [](const auto& path) { std::filesystem::create_hard_link(path, path + ".link"); }},
    {"renamed over",
     [](const auto& path) { runed::test::rename_over(path, as_text(other_model().file)); }},
    {"removed", [](const auto& path) { std::filesystem::remove(path); }},
};

// Embeds again and again, on another thread, until that fails.
struct Passes {
  Passes(NativeEngine& engine, const Ids& text, const Vector& right)
      : thread([this, &engine, text, right] {
          while (true) {
            auto vector = embed(engine, text);
            if (!vector) {
              error = std::move(vector).error();
              return;
            }
            if (*vector != right) ++wrong;
            ++done;
          }
        }) {}

  std::atomic<int> done{0};
  std::atomic<int> wrong{0};
  Error error;
  std::jthread thread;
};

}  // namespace

TEST_CASE("a file that is written to between two passes gives no vector any more") {
  for (const auto& [name, change] : kBadChanges) {
    INFO(name);
    Engine engine;
    change(engine.path);
    const Error error = engine.refusal();
    CHECK(error.code == ErrorCode::model_corrupt);
    CHECK(error.message.starts_with("the model '" + engine.path +
                                    "' was changed while it was used: "));
    CHECK(engine.refusal().code == ErrorCode::model_corrupt);
    // Nor does it say that all is well when it is asked for nothing.
    const std::array<uint32_t, 1> none{0};
    CHECK(unwrap_error(engine.engine->embed({.ids = {}, .offsets = none}, {})).code ==
          ErrorCode::model_corrupt);
  }
}

TEST_CASE("an engine that is started again serves what it told, or nothing") {
  for (const auto& [name, change] : kBadChanges) {
    INFO(name);
    Engine engine;
    const std::string sha256 = engine.engine->info().model_sha256;
    engine.engine->stop();
    change(engine.path);
    for (int attempt = 0; attempt < 2; ++attempt) {
      CHECK(unwrap_error(engine.engine->start()).code == ErrorCode::model_corrupt);
      CHECK(engine.engine->tokenizer() == nullptr);
    }
    CHECK(engine.engine->info().model_sha256 == sha256);
    // The same bytes again, in whatever way.
    write_text(engine.path, engine.content);
    unwrap(engine.engine->start());
    engine.expect_right();
    CHECK(engine.engine->info().model_sha256 == sha256);
  }
}

TEST_CASE("an engine that met a change serves again once the file is back") {
  for (const auto& [name, change] : kBadChanges) {
    INFO(name);
    Engine engine;
    change(engine.path);
    CHECK(engine.refusal().code == ErrorCode::model_corrupt);
    engine.engine->stop();
    runed::test::rename_over(engine.path, engine.content);
    unwrap(engine.engine->start());
    engine.expect_right();
  }
}

TEST_CASE("a file that only got another time is refused once, and read again by the next start") {
  Engine engine;
  runed::test::touch(engine.path);
  CHECK(engine.refusal().code == ErrorCode::model_corrupt);
  engine.engine->stop();
  unwrap(engine.engine->start());
  engine.expect_right();
  engine.engine->stop();
  runed::test::touch(engine.path);
  unwrap(engine.engine->start());
  engine.expect_right();
}

TEST_CASE("what leaves the bytes of the file alone changes no vector") {
  for (const auto& [name, change] : kGoodChanges) {
    INFO(name);
    Engine engine;
    change(engine.path);
    engine.expect_right();
    engine.expect_right();
    engine.engine->stop();
    unwrap(engine.engine->start());
    engine.expect_right();
  }
  for (const auto& [name, change] : kGoodChanges) {
    INFO(name << " while stopped");
    Engine engine;
    engine.engine->stop();
    change(engine.path);
    unwrap(engine.engine->start());
    engine.expect_right();
  }
}

TEST_CASE("a file overwritten with its time set back is not computed from") {
  Engine engine;
  runed::test::overwrite_in_secret(engine.path, as_text(other_model().file));
  const Error error = engine.refusal();
  CHECK(error.code == ErrorCode::model_corrupt);
  CHECK(error.message == "the model '" + engine.path + "' was replaced: its SHA-256 is " +
                             runed::sha256_hex(other_model().file) + ", not " +
                             runed::sha256_hex(model().file));
}

TEST_CASE("no vector of a pass leaves in which the file was written to") {
  // Large enough that the change comes in the middle of a pass, which takes milliseconds.
  const auto bytes = read_file(RUNED_TEST_DATA_UNPACKED "/qwen3-3x256.f16.gguf");
  const Ids text(900, 7);
  std::string other(as_text(bytes));
  const size_t half = other.size() / 2;
  std::reverse(other.begin() + static_cast<std::ptrdiff_t>(half), other.end());
  const auto overwrite = [&](const auto& path) { runed::test::overwrite(path, other); };
  for (const Change& change : {Change(cut_in_half), Change(overwrite)}) {
    Engine engine(bytes);
    const Vector right = unwrap(embed(*engine.engine, text));
    Passes passes(*engine.engine, text, right);
    REQUIRE(runed::test::eventually([&] { return passes.done > 2; }));
    change(engine.path);
    passes.thread.join();
    CHECK(passes.error.code == ErrorCode::model_corrupt);
    CHECK(passes.wrong == 0);
    // The mapping has lost pages for good; the same bytes elsewhere have not.
    engine.engine->stop();
    runed::test::rename_over(engine.path, engine.content);
    unwrap(engine.engine->start());
    CHECK(unwrap(embed(*engine.engine, text)) == right);
  }
}

TEST_CASE("a file that is cut short or written to while it is loaded is corrupt, and no more") {
  const TempDir dir;
  const std::string path = dir / "model.gguf";
  const std::string content(as_text(read_file(RUNED_TEST_DATA_UNPACKED "/qwen3-vocab.gguf")));
  const std::string half = content.substr(0, content.size() / 2);
  std::atomic<bool> is_done = false;
  write_text(path, content);
  std::jthread writer([&] {
    while (!is_done) {
      std::filesystem::resize_file(path, half.size());
      runed::test::overwrite(path, content);
    }
  });
  for (int round = 0; round < 30; ++round) {
    const auto engine = unwrap(NativeEngine::create({.source = {{}, path}}, kClock));
    const Error error = unwrap_error(engine->start());  // It has no tensors.
    CHECK(error.code == ErrorCode::model_corrupt);
  }
  is_done = true;
}
