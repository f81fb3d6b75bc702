// The model that is built into what users run. All other tests run an executable with the small one.
#include <algorithm>

#include "e2e/runed_process.hpp"
#include "support/left_out.hpp"
#include "support/real_models.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::test::cosine;
using runed::test::Finished;
using runed::test::Home;
using runed::test::vector_of;
using runed::test::write_text;

namespace {

constexpr const char* kName = "all-MiniLM-L6-v2";

// Leaves the test out where the build had no such model.
bool has_minilm() {
  Home home;
  const Finished version = home.run_shell(RUNED_PRODUCT " --version");
  if (version.out.find(kName) != std::string::npos) return true;
  runed::test::leave_out("this build has the small model built in: scripts/get-builtin-model");
  return false;
}

// Texts that can stand in one line of a file.
std::vector<runed::test::ReferenceVector> one_line_references() {
  std::vector<runed::test::ReferenceVector> references;
  for (auto& each : runed::test::read_real_reference(kName).vectors) {
    const std::string& text = runed::test::unicode_texts()[each.text];
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
    const bool is_blank = text.find_first_not_of(' ') == std::string::npos;
    if (!is_blank && std::ranges::none_of(text, is_control)) references.push_back(std::move(each));
  }
  return references;
}

}  // namespace

TEST_CASE("the built-in model embeds as its publisher's library does", "[builtin]") {
  if (!has_minilm()) return;
  const auto references = one_line_references();
  REQUIRE(references.size() > 30);
  Home home;
  std::string lines;
  for (const auto& each : references) lines += runed::test::unicode_texts()[each.text] + '\n';
  write_text(home.file("texts"), lines);
  const Finished done = home.run_shell(
      fmt::format(RUNED_PRODUCT " embed --json --truncate right -f '{}'", home.file("texts")));
  REQUIRE(done.exit_code == 0);
  const Json answer = done.json();
  CHECK(answer["model"] == kName);
  CHECK(answer["dim"] == 384);
  for (size_t i = 0; i < references.size(); ++i) {
    CHECK(cosine(vector_of(answer, i), references[i].vector) >= 0.999);
  }
  CHECK(home.run_shell(RUNED_PRODUCT " shutdown --wait 5").exit_code == 0);
}

TEST_CASE("a home that another built-in model answered in is told so once", "[builtin]") {
  if (!has_minilm()) return;
  Home home;
  REQUIRE(home.run({"embed", "--json", "text"}).json()["model"] == "runed-mini");
  REQUIRE(home.run({"shutdown", "--wait", "5"}).exit_code == 0);
  const auto embed = [&home] {
    Finished done = home.run_shell(RUNED_PRODUCT " embed --json text");
    CHECK(done.json()["model"] == kName);
    CHECK(home.run_shell(RUNED_PRODUCT " shutdown --wait 5").exit_code == 0);
    return done.err;
  };
  CHECK(
      embed().find("the built-in model is all-MiniLM-L6-v2 now, and was runed-mini: vectors of the "
                   "two do not mix") != std::string::npos);
  CHECK(embed().find("was runed-mini") == std::string::npos);
}

TEST_CASE("what is built in is told by --version and doctor", "[builtin]") {
  Home home;
  CHECK(home.run({"--version"}).out.find("built-in model: runed-mini\n") != std::string::npos);
  CHECK(home.run({"doctor"}).out.find("the built-in runed-mini") != std::string::npos);
}
