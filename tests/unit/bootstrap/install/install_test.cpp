#include "bootstrap/install/install.hpp"

#include "bootstrap/install/install_lock.hpp"
#include "install_fixture.hpp"
#include "os/process/process.hpp"
#include "support/gguf_builder.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::sha256_hex;
using runed::bootstrap::ArtifactState;
using runed::bootstrap::BecomesDefault;
using runed::bootstrap::InstallStep;
using runed::bootstrap::Part;
using runed::bootstrap::plan_install;
using runed::test::InstallFixture;
using runed::test::mode_of;
using runed::test::read_text;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

using State = ArtifactState;

TEST_CASE("what is asked for is installed, and told in installed.json") {
  const InstallFixture fixture;
  const auto steps = unwrap(fixture.install_all());
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].state == State::missing);
  CHECK(steps[1].variant == "m.small");
  CHECK(read_text(fixture.model_file("m.small")) == fixture.small);
  CHECK(mode_of(fixture.model_file("m.small")) == 0600);
  CHECK(read_text(fixture.server_file()) == "first");
  CHECK(mode_of(fixture.server_file()) == 0755);
  const auto installed = fixture.installed();
  CHECK(installed.model_variant == "m.small");
  CHECK(installed.model->sha256 == sha256_hex(fixture.small));
  CHECK(installed.llama_server->path == fixture.server_file());
  CHECK(installed.llama_server->size_bytes == 5);
  CHECK(installed.llama_server_files.at("build/bin/libllama.so") == sha256_hex("library"));
  CHECK(installed.installed_at.size() == std::string("2026-11-21T08:30:00Z").size());
}

TEST_CASE("installing again finds everything intact and receives nothing") {
  const InstallFixture fixture;
  unwrap(fixture.install_all());
  std::filesystem::remove(fixture.dir / "small.gguf");
  std::filesystem::remove(fixture.dir / "server.tar");
  InstallFixture other;  // Its manifest has the same digests, and files that are there.
  for (const InstallStep& step : unwrap(runed::bootstrap::install(
           fixture.paths, other.manifest(), {.parts = {Part::llama_server, Part::model}}, {},
           fixture.clock, {}))) {
    CHECK(step.state == State::intact);
    CHECK(step.bytes_received == 0);
  }
}

TEST_CASE("a second variant leaves the first, which stays the default") {
  const InstallFixture fixture;
  CHECK(unwrap(fixture.install_all())[1].default_before.empty());
  const auto steps = unwrap(fixture.install({.parts = {Part::model}, .variant = "large"}));
  CHECK(steps[0].default_before == "m.small");
  CHECK(steps[0].default_now == "m.small");
  CHECK(read_text(fixture.model_file("m.small")) == fixture.small);
  CHECK(fixture.installed().model_variant == "m.small");
  CHECK(fixture.installed().model->sha256 == sha256_hex(fixture.small));
  CHECK(fixture.installed().variants.size() == 2);
  CHECK(fixture.installed().llama_server.has_value());
}

TEST_CASE("another variant becomes the default where that is asked for") {
  const InstallFixture fixture;
  unwrap(fixture.install({.parts = {Part::model}, .becomes_default = BecomesDefault::never}));
  CHECK(fixture.installed().model_variant.empty());
  CHECK(fixture.installed().variants.size() == 1);
  unwrap(fixture.install({.parts = {Part::model}, .variant = "small"}));
  CHECK(fixture.installed().model_variant == "m.small");
  const auto steps = unwrap(fixture.install(
      {.parts = {Part::model}, .variant = "large", .becomes_default = BecomesDefault::always}));
  CHECK(steps[0].default_before == "m.small");
  CHECK(steps[0].default_now == "m.large");
  CHECK(fixture.installed().model_variant == "m.large");
  CHECK(fixture.installed().model->sha256 == sha256_hex(fixture.large));
}

TEST_CASE("the manifest that is remembered is that of the default") {
  const InstallFixture fixture;
  const auto install = [&](const std::string& variant, const std::string& url,
                           BecomesDefault becomes_default) {
    unwrap(fixture.install({.parts = {Part::model},
                            .variant = variant,
                            .manifest_url = url,
                            .becomes_default = becomes_default}));
    return fixture.installed().manifest_url;
  };
  CHECK(install("small", "https://a", BecomesDefault::if_first) == "https://a");
  CHECK(install("large", "https://b", BecomesDefault::if_first) == "https://a");
  CHECK(install("small", "https://b", BecomesDefault::if_first) == "https://b");
  CHECK(install("large", "https://c", BecomesDefault::always) == "https://c");
  unwrap(fixture.install({.parts = {Part::llama_server}, .manifest_url = "https://d"}));
  CHECK(fixture.installed().manifest_url == "https://c");
}

TEST_CASE("a damaged model is found and fetched again") {
  const InstallFixture fixture;
  unwrap(fixture.install_all());
  write_text(fixture.model_file("m.small"), "GGUF smalL");
  const auto steps = unwrap(fixture.install_all());
  CHECK(steps[1].state == State::damaged);
  CHECK(read_text(fixture.model_file("m.small")) == fixture.small);
}

TEST_CASE("a llama-server of which a file was changed or is gone is unpacked again") {
  const InstallFixture fixture;
  unwrap(fixture.install_all());
  const std::string library = fixture.paths.llama_cpp_dir + "/build/bin/libllama.so";
  write_text(library, "LIBRARY");
  CHECK(unwrap(fixture.install_all())[0].state == State::damaged);
  CHECK(read_text(library) == "library");
  std::filesystem::remove(fixture.server_file());
  CHECK(unwrap(fixture.install_all())[0].state == State::damaged);
  CHECK(read_text(fixture.server_file()) == "first");
}

TEST_CASE("another llama-server replaces the whole tree") {
  InstallFixture fixture;
  unwrap(fixture.install_all());
  write_text(fixture.paths.llama_cpp_dir + "/stray", "x");
  fixture.make_server("second");
  CHECK(unwrap(fixture.install_all())[0].state == State::outdated);
  CHECK(read_text(fixture.server_file()) == "second");
  CHECK_FALSE(std::filesystem::exists(fixture.paths.llama_cpp_dir + "/stray"));
  // Nothing is left beside it.
  CHECK(std::distance(std::filesystem::directory_iterator(fixture.paths.bin_dir), {}) == 1);
  CHECK_FALSE(std::filesystem::exists(fixture.paths.cache_dir + "/llama-server.tar.gz"));
}

TEST_CASE("wrong bytes are refused, and nothing is installed") {
  const InstallFixture fixture;
  write_text(fixture.dir / "small.gguf", "GGUF other");
  const Error error = unwrap_error(fixture.install_all());
  CHECK(error.code == ErrorCode::integrity);
  CHECK_FALSE(std::filesystem::exists(fixture.model_file("m.small")));
  CHECK(fixture.installed().llama_server.has_value());  // What came before it is told.
  CHECK(fixture.installed().variants.empty());
}

TEST_CASE("a model that nobody knows the pooling of is refused with the key that was looked for") {
  InstallFixture fixture;
  const auto bytes = runed::test::small_llama_embed().erase("llama-embed.pooling_type").build();
  fixture.small.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  write_text(fixture.dir / "small.gguf", fixture.small);
  for (int i = 0; i < 2; ++i) {  // Fetched, then found.
    const Error error = unwrap_error(fixture.install({.parts = {Part::model}, .variant = {}}));
    CHECK(error.code == ErrorCode::model_unsupported);
    CHECK(error.message.find("the file has no key 'llama-embed.pooling_type'") !=
          std::string::npos);
    CHECK(error.message.find(fixture.model_file("m.small")) != std::string::npos);
    CHECK(fixture.installed().variants.empty());
  }
  // Unless the manifest knows it.
  runed::Json document = fixture.document();
  document["models"]["m.small"]["pooling"] = "mean";
  unwrap(runed::bootstrap::install(fixture.paths, fixture.manifest(document),
                                   {.parts = {Part::model}, .variant = {}}, {}, fixture.clock,
                                   fixture.hooks));
  CHECK(fixture.installed().variants.contains("m.small"));
}

TEST_CASE("an archive without the executable leaves the old llama-server in place") {
  InstallFixture fixture;
  unwrap(fixture.install_all());
  unwrap(runed::bootstrap::write_tar(fixture.dir / "server.tar",
                                     {{.name = "readme", .content_path = {}, .content = "x"}}, {}));
  const Error error = unwrap_error(fixture.install_all());
  CHECK(error.code == ErrorCode::integrity);
  CHECK(error.message == "the archive has no file 'build/bin/llama-server'");
  CHECK(read_text(fixture.server_file()) == "first");
}

TEST_CASE("licences are written first, and restored") {
  const InstallFixture fixture;
  write_text(fixture.dir / "small.gguf", "wrong");
  unwrap_error(fixture.install({.parts = {Part::model}, .variant = {}}));
  const std::string text = fixture.paths.licenses_dir + "/THIRD_PARTY_LICENSES/llama.cpp.LICENSE";
  CHECK(read_text(text).find("MIT License") == 0);
  CHECK(mode_of(text) == 0644);
  write_text(text, "tampered");
  unwrap_error(fixture.install({.parts = {Part::model}, .variant = {}}));
  CHECK(read_text(text).find("MIT License") == 0);
}

TEST_CASE("without a place for the licences nothing is fetched") {
  const InstallFixture fixture;
  write_text(fixture.paths.licenses_dir, "a file");
  const Error error = unwrap_error(fixture.install_all());
  CHECK(error.message.find("cannot write the licences: ") == 0);
  CHECK_FALSE(std::filesystem::exists(fixture.model_file("m.small")));
}

TEST_CASE("a plan tells what would be done and does nothing") {
  const InstallFixture fixture;
  unwrap(fixture.install({.parts = {Part::model}, .variant = {}}));
  const auto steps = unwrap(plan_install(fixture.paths, fixture.manifest(),
                                         {.parts = {Part::llama_server, Part::model}}, {}));
  CHECK(steps[0].state == State::missing);
  CHECK(steps[1].state == State::intact);
  CHECK_FALSE(std::filesystem::exists(fixture.server_file()));
}

TEST_CASE("a variant that is unknown is answered with those that are") {
  const InstallFixture fixture;
  const Error error = unwrap_error(fixture.install({.parts = {Part::model}, .variant = "huge"}));
  CHECK(error.code == ErrorCode::model_missing);
  CHECK(error.hint == "there are: m.small, m.large");
}

TEST_CASE("the second of two waits, and says for whom") {
  InstallFixture fixture;
  auto lock = std::make_optional(unwrap(runed::bootstrap::acquire_install_lock(fixture.paths, {})));
  std::string told;
  fixture.hooks.watch.on_event = [&](const std::string& text) {
    if (told.empty()) told = text;
    lock.reset();
  };
  unwrap(fixture.install_all());
  CHECK(told == fmt::format("waiting for process {}, which is installing into '{}'",
                            runed::os::process_id(), fixture.paths.home));
}

TEST_CASE("waiting for the lock can be interrupted") {
  InstallFixture fixture;
  const auto lock = unwrap(runed::bootstrap::acquire_install_lock(fixture.paths, {}));
  fixture.hooks.watch.is_cancelled = [] { return true; };
  CHECK(unwrap_error(fixture.install_all()).code == ErrorCode::cancelled);
}
