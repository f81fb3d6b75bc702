#include "bootstrap/install/verify.hpp"

#include <algorithm>

#include "bootstrap/install/record.hpp"
#include "install_fixture.hpp"

using runed::sha256_hex;
using runed::bootstrap::Check;
using runed::bootstrap::Record;
using runed::bootstrap::repair_files;
using runed::bootstrap::verify_files;
using runed::test::InstallFixture;
using runed::test::unwrap;
using runed::test::write_text;

using Outcome = Check::Outcome;

namespace {

struct Fixture : InstallFixture {
  Fixture() { unwrap(install_all()); }

  std::vector<Check> verify() const {
    const auto known = manifest();
    return unwrap(verify_files(paths, &known, {}));
  }
  Check verify(const std::string& name) const {
    const auto checks = verify();
    const auto found = std::ranges::find(checks, name, &Check::name);
    if (found == checks.end()) FAIL("no check " << name);
    return *found;
  }
};

}  // namespace

TEST_CASE("what was just installed passes every check") {
  const Fixture fixture;
  std::vector<std::string> names;
  for (const Check& check : fixture.verify()) {
    CAPTURE(check.name, check.detail);
    CHECK(check.outcome == Outcome::passed);
    names.push_back(check.name);
  }
  CHECK(names == std::vector<std::string>{"permissions", "model", "llama_server", "licenses"});
}

TEST_CASE("a model of other bytes fails, and is not trusted by the next boot") {
  const Fixture fixture;
  // As a disk that rots: the record still says that the file is right.
  write_text(fixture.model_file("m.small"), "GGUF smalL");
  const Record record(fixture.paths.record_file);
  record.remember(fixture.model_file("m.small"), sha256_hex(fixture.small));
  const Check check = fixture.verify("model");
  CHECK(check.outcome == Outcome::failed);
  CHECK(check.subject == "m.small");
  CHECK(check.detail == fmt::format("SHA-256 {}, but the manifest has {}", sha256_hex("GGUF smalL"),
                                    sha256_hex(fixture.small)));
  CHECK(record.find(fixture.model_file("m.small")) == sha256_hex("GGUF smalL"));
}

TEST_CASE("a model that is gone fails") {
  const Fixture fixture;
  std::filesystem::remove(fixture.model_file("m.small"));
  CHECK(fixture.verify("model").outcome == Outcome::failed);
}

TEST_CASE("without a manifest a model is compared with what was installed") {
  const Fixture fixture;
  const auto checks = unwrap(verify_files(fixture.paths, nullptr, {}));
  CHECK(checks[1].outcome == Outcome::passed);
  CHECK(checks[1].detail.find("as installed.json has it") != std::string::npos);
}

TEST_CASE("a model that nobody knows is neither right nor wrong") {
  const Fixture fixture;
  write_text(fixture.model_file("a"), "GGUF mine");
  const auto checks = fixture.verify();
  CHECK(checks[1].subject == "a");
  CHECK(checks[1].outcome == Outcome::unknown);
}

TEST_CASE("files of the llama-server that were changed, are gone or were added are named") {
  const Fixture fixture;
  const std::string directory = fixture.paths.llama_cpp_dir + "/build/bin/";
  write_text(directory + "libllama.so", "LIBRARY");
  std::filesystem::remove(directory + "llama-server");
  write_text(directory + "libevil.so", "x");
  const Check check = fixture.verify("llama_server");
  CHECK(check.outcome == Outcome::failed);
  CHECK(check.detail.find("'build/bin/libllama.so' was changed") != std::string::npos);
  CHECK(check.detail.find("llama-server' is gone") != std::string::npos);
  CHECK(check.detail.find("'build/bin/libevil.so' was added") != std::string::npos);
}

TEST_CASE("a llama-server that is gone as a whole is told, and so is one of unknown origin") {
  const Fixture fixture;
  std::filesystem::remove_all(fixture.paths.llama_cpp_dir);
  CHECK(fixture.verify("llama_server").outcome == Outcome::failed);
  unwrap(fixture.install_all());
  CHECK(fixture.verify("llama_server").outcome == Outcome::passed);
  std::filesystem::remove(fixture.paths.installed_file);
  CHECK(fixture.verify("llama_server").outcome == Outcome::unknown);
}

TEST_CASE("a link of the llama-server that leads elsewhere is found") {
  const Fixture fixture;
  const std::string library = fixture.paths.llama_cpp_dir + "/build/bin/libllama.so";
  std::filesystem::remove(library);
  std::filesystem::create_symlink("/bin/sh", library);
  const Check check = fixture.verify("llama_server");
  CHECK(check.outcome == Outcome::failed);
  CHECK(check.detail == "'build/bin/libllama.so' was changed");
}

TEST_CASE("what others may write fails, and is repaired") {
  const Fixture fixture;
  using std::filesystem::perms;
  std::filesystem::permissions(fixture.model_file("m.small"), perms::all);
  write_text(fixture.paths.licenses_dir + "/NOTICE", "tampered");
  const Check check = fixture.verify("permissions");
  CHECK(check.outcome == Outcome::failed);
  CHECK(check.detail.find("other users may write") != std::string::npos);
  CHECK(fixture.verify("licenses").outcome == Outcome::failed);
  unwrap(repair_files(fixture.paths));
  CHECK(fixture.verify("permissions").outcome == Outcome::passed);
  CHECK(fixture.verify("licenses").outcome == Outcome::passed);
}

TEST_CASE("an empty home has nothing to complain of") {
  const InstallFixture fixture;
  const auto checks = unwrap(verify_files(fixture.paths, nullptr, {}));
  REQUIRE(checks.size() == 1);
  CHECK(checks[0].outcome == Outcome::passed);
}
