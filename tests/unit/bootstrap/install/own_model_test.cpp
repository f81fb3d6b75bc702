#include "bootstrap/install/own_model.hpp"

#include <sys/stat.h>

#include "bootstrap/archive/bundle.hpp"
#include "bootstrap/install/gc.hpp"
#include "bootstrap/install/uninstall.hpp"
#include "bootstrap/install/verify.hpp"
#include "bootstrap/use/ready_model.hpp"
#include "embed/model/model_file.hpp"
#include "install_fixture.hpp"
#include "os/process/signals.hpp"
#include "support/http_server.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Result;
using runed::sha256_hex;
using runed::bootstrap::ArtifactState;
using runed::bootstrap::BecomesDefault;
using runed::bootstrap::Check;
using runed::bootstrap::InstallStep;
using runed::bootstrap::OwnModel;
using runed::bootstrap::OwnModelRequest;
using runed::test::HttpServer;
using runed::test::InstallFixture;
using runed::test::read_text;
using runed::test::text_body;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

namespace fs = std::filesystem;

namespace {

const std::string kGguf = RUNED_TEST_DATA "/tiny_gguf/bert-cls.f16.gguf";
const std::string kBroken = RUNED_TEST_DATA "/tiny_gguf/broken-bert-unigram.f16.gguf";
const std::string kDirectory = RUNED_TEST_DATA "/tiny/bert-mean";

struct Fixture : InstallFixture {
  Fixture() { runed::os::ignore_sigpipe(); }

  // A file of one's own that may be changed.
  std::string file(const std::string& name = "mine.gguf") const {
    fs::copy_file(kGguf, dir / name, fs::copy_options::overwrite_existing);
    return dir / name;
  }

  Result<InstallStep> take(const OwnModel& model,
                           BecomesDefault becomes_default = BecomesDefault::if_first) const {
    const OwnModelRequest request{
        .model = model, .manifest_url = "builtin:", .becomes_default = becomes_default};
    return install_own_model(paths, manifest(), request,
                             {.first_wait = std::chrono::milliseconds(1)}, clock, hooks);
  }

  // What lies in models/.
  std::vector<std::string> there() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(paths.models_dir)) {
      if (entry.is_regular_file()) names.push_back(fs::relative(entry.path(), paths.models_dir));
    }
    std::ranges::sort(names);
    return names;
  }

  runed::bootstrap::Settings settings{
      .manifest = {"builtin:", runed::bootstrap::Origin::default_value}};
};

}  // namespace

TEST_CASE("a file of one's own is copied, and what is done to it later changes nothing") {
  const Fixture fixture;
  const std::string source = fixture.file();
  const std::string digest = sha256_hex(read_text(source));
  const InstallStep step = unwrap(fixture.take({.source = source}));
  CHECK(step.variant == "mine");
  CHECK(step.is_own);
  CHECK(step.state == ArtifactState::missing);
  CHECK(step.path == fixture.model_file("mine"));
  CHECK(step.artifact.sha256 == digest);
  CHECK(step.artifact.url == source);
  CHECK(step.artifact.size_bytes == fs::file_size(source));
  CHECK(step.default_now == "mine");
  struct stat there {};
  REQUIRE(::stat(step.path.c_str(), &there) == 0);
  CHECK(there.st_nlink == 1);
  write_text(source, "something else");
  CHECK(sha256_hex(read_text(step.path)) == digest);
  const auto entry = fixture.installed().variants.at("mine");
  CHECK(entry.is_own);
  CHECK(entry.sha256 == digest);
  CHECK(fixture.installed().model_variant == "mine");
  CHECK(fixture.installed().manifest_url == "builtin:");
}

TEST_CASE("taking the same model again does nothing, and what is damaged is taken again") {
  const Fixture fixture;
  const std::string source = fixture.file();
  unwrap(fixture.take({.source = source}));
  CHECK(unwrap(fixture.take({.source = source})).state == ArtifactState::intact);
  write_text(fixture.model_file("mine"), "GGUF and then nothing");
  const InstallStep again = unwrap(fixture.take({.source = source}));
  CHECK(again.state == ArtifactState::damaged);
  CHECK(read_text(again.path) == read_text(source));
  CHECK(fixture.there() == std::vector<std::string>{"mine.gguf"});
}

TEST_CASE("a directory is copied with the files that matter, under the name that it has") {
  const Fixture fixture;
  const std::string source = fixture.dir / "bert-mean";
  fs::copy(kDirectory, source, fs::copy_options::recursive);
  write_text(source + "/README.md", "not of the model");
  const auto file = unwrap(runed::embed::ModelFile::open({.bytes = {}, .path = source}));
  const InstallStep step = unwrap(fixture.take({.source = source, .name = "mine"}));
  CHECK(step.path == fixture.paths.models_dir + "/mine.hf/bert-mean");
  // It is the same model as at its source, so that its vectors are too.
  CHECK(step.artifact.sha256 == unwrap(file->digest()));
  CHECK_FALSE(fs::exists(step.path + "/README.md"));
  for (const std::string& name : file->names()) {
    CHECK(read_text(step.path + "/" + name) == read_text(source + "/" + name));
  }
  CHECK(unwrap(fixture.take({.source = source, .name = "mine"})).state == ArtifactState::intact);
  write_text(step.path + "/config.json", "{}");
  const InstallStep again = unwrap(fixture.take({.source = source, .name = "mine"}));
  CHECK(again.state == ArtifactState::damaged);
  CHECK(read_text(step.path + "/config.json") == read_text(source + "/config.json"));
  CHECK(fixture.there().size() == file->names().size());
}

TEST_CASE("what no engine could serve is refused with its reason, and nothing is left") {
  const Fixture fixture;
  const Error broken = unwrap_error(fixture.take({.source = kBroken}));
  CHECK(broken.code == ErrorCode::model_unsupported);
  CHECK(broken.message.starts_with("cannot use the model '" + kBroken + "': "));
  write_text(fixture.dir / "page.gguf", "<!DOCTYPE html>");
  CHECK(unwrap_error(fixture.take({.source = fixture.dir / "page.gguf"})).code ==
        ErrorCode::model_corrupt);
  const std::string cut = fixture.file("cut.gguf");
  fs::resize_file(cut, fs::file_size(cut) / 2);
  CHECK(unwrap_error(fixture.take({.source = cut})).code == ErrorCode::model_corrupt);
  fs::create_directory(fixture.dir / "empty");
  const Error empty = unwrap_error(fixture.take({.source = fixture.dir / "empty"}));
  CHECK(empty.code == ErrorCode::model_missing);
  const Error gone = unwrap_error(fixture.take({.source = "/nowhere.gguf"}));
  CHECK(gone.code == ErrorCode::model_missing);
  CHECK(gone.message == "there is no model '/nowhere.gguf'");
  REQUIRE(::mkfifo((fixture.dir / "fifo.gguf").c_str(), 0600) == 0);
  CHECK(unwrap_error(fixture.take({.source = fixture.dir / "fifo.gguf"})).code ==
        ErrorCode::bad_input);
  CHECK(fixture.there().empty());
  CHECK(fixture.installed().variants.empty());
}

TEST_CASE("an engine that cannot do it refuses it too") {
  Fixture fixture;
  fixture.hooks.inspect = [](const std::string&) -> runed::Status {
    return runed::make_error(ErrorCode::model_unsupported, "not this one");
  };
  CHECK(unwrap_error(fixture.take({.source = fixture.file()})).message == "not this one");
  CHECK(fixture.there().empty());
}

TEST_CASE("the digest that is given is what it must have") {
  const Fixture fixture;
  const std::string source = fixture.file();
  std::string digest = sha256_hex(read_text(source));
  const Error other =
      unwrap_error(fixture.take({.source = source, .sha256 = std::string(64, '0')}));
  CHECK(other.code == ErrorCode::integrity);
  CHECK(other.message ==
        fmt::format("the SHA-256 of '{}' is {}, and not {}", source, digest, std::string(64, '0')));
  CHECK(fixture.there().empty());
  CHECK(unwrap_error(fixture.take({.source = source, .sha256 = "12"})).code == ErrorCode::usage);
  std::ranges::transform(digest, digest.begin(), [](unsigned char c) { return std::toupper(c); });
  unwrap(fixture.take({.source = source, .sha256 = digest}));
}

TEST_CASE("a name that is taken, or would lead elsewhere, is refused with what to do") {
  const Fixture fixture;
  const std::string source = fixture.file();
  unwrap(fixture.take({.source = source}));
  const auto refusal = [&](const OwnModel& model) {
    const Error error = unwrap_error(fixture.take(model));
    CHECK(error.code == ErrorCode::usage);
    CHECK(error.hint.find("--name NAME") != std::string::npos);
    return error.message;
  };
  fs::create_directory(fixture.dir / "other");
  fs::copy_file(RUNED_TEST_DATA "/tiny_gguf/bert-mean.f32.gguf", fixture.dir / "other/mine.gguf");
  CHECK(refusal({.source = fixture.dir / "other/mine.gguf"}) ==
        "the model cannot be installed as 'mine': there is another model of that name");
  CHECK(refusal({.source = source, .name = "m.small"}) ==
        "the model cannot be installed as 'm.small': the manifest has a model of that name");
  CHECK(refusal({.source = source, .name = "runed-mini"}) ==
        "the model cannot be installed as 'runed-mini': that is the name of the model in the "
        "executable");
  CHECK(refusal({.source = source, .name = "m.gguf"}) ==
        "the model cannot be installed as 'm.gguf': it would be taken for a path");
  for (const char* name : {"a b", "../x", ".hidden", "ü", "a/b"}) {
    CHECK(refusal({.source = source, .name = name}).find("a name has letters") !=
          std::string::npos);
  }
  write_text(fixture.model_file("hand"), "GGUF");
  CHECK(refusal({.source = source, .name = "hand"}) ==
        "the model cannot be installed as 'hand': there is another model of that name");
  CHECK(read_text(fixture.model_file("hand")) == "GGUF");
}

TEST_CASE("a file that was put into models by hand is taken where it is") {
  const Fixture fixture;
  fs::copy_file(kGguf, fixture.model_file("hand"));
  const InstallStep step = unwrap(fixture.take({.source = fixture.model_file("hand")}));
  CHECK(step.state == ArtifactState::intact);
  CHECK(fixture.installed().variants.at("hand").is_own);
}

TEST_CASE("a model of one's own is served, verified, kept by gc and removed like any other") {
  Fixture fixture;
  const std::string source = fixture.dir / "bert-mean";
  fs::copy(kDirectory, source, fs::copy_options::recursive);
  unwrap(fixture.take({.source = source}));
  unwrap(fixture.take({.source = fixture.file("other.gguf")}));
  fixture.settings.model_variant = {"bert-mean", runed::bootstrap::Origin::flag};
  const auto choice = unwrap(choose_model(fixture.paths, fixture.settings));
  const auto ready = unwrap(check_model(fixture.paths, fixture.settings, choice, {}));
  CHECK(ready.path == fixture.model_file("bert-mean"));
  CHECK(ready.sha256 == fixture.installed().variants.at("bert-mean").sha256);

  const auto manifest = fixture.manifest();
  for (const Check& check : unwrap(verify_files(fixture.paths, &manifest, {}))) {
    CAPTURE(check.name, check.subject, check.detail);
    CHECK(check.outcome == Check::Outcome::passed);
  }
  const auto plan =
      unwrap(plan_gc(fixture.paths, {.manifest = fixture.settings.manifest}, {}, fixture.clock));
  CHECK(plan.items.empty());

  const auto uninstall = unwrap(plan_uninstall(fixture.paths, fixture.settings, "bert-mean", {}));
  CHECK(uninstall.item.path == fixture.paths.models_dir + "/bert-mean.hf");
  CHECK(uninstall.item.size_bytes == ready.file.size_bytes);
  unwrap(collect(fixture.paths, {uninstall.item}));
  CHECK(fixture.there() == std::vector<std::string>{"other.gguf"});
  CHECK_FALSE(fixture.installed().variants.contains("bert-mean"));
}

TEST_CASE("one that is damaged or gone is no manifest's: the way to have it again is told") {
  Fixture fixture;
  const std::string source = fixture.file();
  unwrap(fixture.take({.source = source}));
  fixture.settings.model_variant = {"mine", runed::bootstrap::Origin::flag};
  const std::string hint = fmt::format("'runed install '{}' --name mine' takes it again", source);
  write_text(fixture.model_file("mine"), "GGUF and then nothing");
  const auto error_of = [&] {
    const auto choice = unwrap(choose_model(fixture.paths, fixture.settings));
    return unwrap_error(
        ensure_model(fixture.paths, fixture.settings, choice, {}, fixture.clock, fixture.hooks));
  };
  CHECK(error_of().code == ErrorCode::integrity);
  CHECK(error_of().hint == hint);
  CHECK(unwrap_error(find_own_model(fixture.paths, "mine", {})).hint == hint);
  fs::remove(fixture.model_file("mine"));
  CHECK(error_of().code == ErrorCode::model_missing);
  CHECK(error_of().hint == hint);
}

TEST_CASE("one that is installed already becomes the default when that is asked for") {
  const Fixture fixture;
  unwrap(fixture.take({.source = fixture.file("first.gguf")}));
  unwrap(fixture.take({.source = fixture.file("second.q8_0.gguf")}));
  CHECK(fixture.installed().model_variant == "first");
  const InstallStep step =
      unwrap(keep_own_model(fixture.paths, "q8_0", {.becomes_default = BecomesDefault::always},
                            fixture.clock, fixture.hooks));
  CHECK(step.variant == "second.q8_0");
  CHECK(step.state == ArtifactState::intact);
  CHECK(fixture.installed().model_variant == "second.q8_0");
  CHECK(unwrap_error(find_own_model(fixture.paths, "third", {})).code == ErrorCode::not_found);
}

TEST_CASE("what is at a URL is fetched, and its digest recorded") {
  Fixture fixture;
  HttpServer server;
  const std::string bytes = read_text(kGguf);
  server.reply("/m/tiny.GGUF", {.body = text_body(bytes), .etag = "\"1\""});
  const std::string url = server.url("/m/tiny.GGUF") + "?token=secret";
  const InstallStep step = unwrap(fixture.take({.source = url}));
  CHECK(step.variant == "tiny");
  CHECK(step.artifact.sha256 == sha256_hex(bytes));
  CHECK(step.bytes_received == bytes.size());
  CHECK(fixture.there() == std::vector<std::string>{"tiny.gguf"});
  CHECK(fixture.installed().variants.at("tiny").url == server.url("/m/tiny.GGUF"));
  // A query may be what tells two files of one server apart, and only the digest says that it is not.
  CHECK(unwrap_error(fixture.take({.source = server.url("/m/tiny.GGUF") + "?file=other"})).code ==
        ErrorCode::usage);
  CHECK(unwrap(fixture.take({.source = url, .sha256 = sha256_hex(bytes)})).state ==
        ArtifactState::intact);
  CHECK(server.seen("/m/tiny.GGUF").size() == 1);
  CHECK(unwrap_error(fixture.take({.source = url, .sha256 = std::string(64, '0')})).code ==
        ErrorCode::usage);
}

TEST_CASE("from the same place it is the same model, as long as nobody gives another digest") {
  Fixture fixture;
  HttpServer server;
  server.reply("/m/tiny.gguf", {.body = text_body(read_text(kGguf))});
  unwrap(fixture.take({.source = server.url("/m/tiny.gguf")}));
  CHECK(unwrap(fixture.take({.source = server.url("/m/tiny.gguf")})).state ==
        ArtifactState::intact);
  CHECK(server.seen("/m/tiny.gguf").size() == 1);
}

TEST_CASE("what is fetched is looked at before it gets its name") {
  const Fixture fixture;
  HttpServer server;
  server.reply("/broken.gguf", {.body = text_body(read_text(kBroken))});
  server.reply("/page.gguf", {.body = text_body("<!DOCTYPE html><p>Sign in</p>")});
  server.reply("/good.gguf", {.body = text_body(read_text(kGguf))});
  const Error broken = unwrap_error(fixture.take({.source = server.url("/broken.gguf")}));
  CHECK(broken.code == ErrorCode::model_unsupported);
  CHECK(broken.message.starts_with("cannot use the model '" + server.url("/broken.gguf") + "': "));
  const Error page = unwrap_error(fixture.take({.source = server.url("/page.gguf")}));
  CHECK(page.code == ErrorCode::integrity);
  CHECK(page.hint.starts_with("name the file itself, and not a page about it"));
  const Error other = unwrap_error(
      fixture.take({.source = server.url("/good.gguf"), .sha256 = std::string(64, '0')}));
  CHECK(other.code == ErrorCode::integrity);
  CHECK(other.hint == "the file there is another one than is meant, or damaged");
  const Error gone = unwrap_error(fixture.take({.source = server.url("/gone.gguf")}));
  CHECK(gone.code == ErrorCode::network);
  CHECK(gone.hint == "check the URL");
  CHECK(unwrap_error(fixture.take({.source = "ftp://h/x.gguf"})).code == ErrorCode::usage);
  CHECK(unwrap_error(fixture.take({.source = "file:///x.gguf"})).code == ErrorCode::usage);
  CHECK(fixture.there().empty());
  CHECK(fixture.installed().variants.empty());
}

TEST_CASE("a plan tells what would be done, and does nothing") {
  const Fixture fixture;
  const OwnModelRequest request{.model = {.source = fixture.file()}};
  const InstallStep step =
      unwrap(plan_own_model(fixture.paths, fixture.manifest(), request, fixture.hooks));
  CHECK(step.state == ArtifactState::missing);
  CHECK(step.artifact.size_bytes > 0);
  CHECK(fixture.there().empty());
  const OwnModelRequest far{.model = {.source = "https://h.invalid/x.gguf"}};
  CHECK(unwrap(plan_own_model(fixture.paths, fixture.manifest(), far, fixture.hooks)).variant ==
        "x");
}

TEST_CASE("a manifest does not replace a model of one's own that has a name of its own") {
  const Fixture fixture;
  const runed::Json none{{"version", 1}};
  const OwnModelRequest request{.model = {.source = fixture.file("m.small.gguf")}};
  unwrap(install_own_model(fixture.paths, fixture.manifest(none), request, {}, fixture.clock,
                           fixture.hooks));
  const Error error = unwrap_error(
      fixture.install({.parts = {runed::bootstrap::Part::model}, .variant = "m.small"}));
  CHECK(error.code == ErrorCode::usage);
  CHECK(error.message == "the name 'm.small' is taken by a model of your own");
  CHECK(read_text(fixture.model_file("m.small")) == read_text(kGguf));
}

TEST_CASE("a bundle carries a file of one's own, and says of a directory that it cannot") {
  const Fixture fixture;
  const InstallStep step = unwrap(fixture.take({.source = fixture.file()}));
  const std::string bundle_file = fixture.dir / "bundle.tar";
  unwrap(export_bundle(fixture.paths, fixture.manifest(), {step}, bundle_file, {}, {}));

  const Fixture other;
  const auto bundle =
      unwrap(runed::bootstrap::Bundle::open(other.paths, bundle_file, "builtin:", {}));
  unwrap(install(other.paths, bundle.manifest(), {.parts = {runed::bootstrap::Part::model}}, {},
                 other.clock, other.hooks));
  CHECK(read_text(other.model_file("mine")) == read_text(kGguf));
  CHECK(other.installed().variants.at("mine").is_own);

  const InstallStep directory = unwrap(fixture.take({.source = kDirectory}));
  CHECK(unwrap_error(export_bundle(fixture.paths, fixture.manifest(), {directory},
                                   fixture.dir / "b.tar", {}, {}))
            .message == "the model bert-mean is a directory, which no bundle has");
  CHECK_FALSE(fs::exists(fixture.dir / "b.tar"));
}
