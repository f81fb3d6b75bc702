// Directories of Hugging Face's form as models, and what is made of them.

#include <filesystem>

#include "runed_process.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::test::Finished;
using runed::test::Home;
using runed::test::read_text;
using runed::test::write_text;

namespace {

constexpr int kUsage = 2;
constexpr int kModel = 71;

std::string tiny(const std::string& name) {
  return RUNED_TEST_DATA "/tiny/" + name;
}

Finished embed(Home& home, const std::string& model, const std::string& engine) {
  home.set("RUNED_MODEL", model);
  home.set("RUNED_ENGINE", engine);
  return home.run({"embed", "--direct", "text"});
}

}  // namespace

TEST_CASE("convert writes a directory as one file, and replaces none unless told to",
          "[directory]") {
  Home home;
  const std::string file = home.file("m.gguf");
  const Finished done =
      home.run({"convert", tiny("bert-mean"), "-o", file, "--type", "q8_0", "--json"});
  REQUIRE(done.exit_code == 0);
  CHECK(done.err.empty());
  const Json told = done.json();
  CHECK(told["path"] == file);
  CHECK(told["tensors"] == 37);
  const std::string content = read_text(file);
  CHECK(told["bytes"] == content.size());
  CHECK(content.starts_with("GGUF"));
  const Finished summed = home.run_shell("sha256sum < " + file);
  CHECK(summed.out == told["sha256"].get<std::string>() + "  -\n");

  const Finished again = home.run({"convert", tiny("bert-mean"), "-o", file});
  CHECK(again.exit_code == kUsage);
  CHECK(again.err == "runed: error: '" + file +
                         "' is there already\n"
                         "hint: give it another name, or have it replaced with --force\n");
  CHECK(read_text(file) == content);
  CHECK(home.run({"convert", tiny("bert-mean"), "-o", file, "--force"}).exit_code == 0);
  CHECK(read_text(file).size() > content.size());

  const Finished other = home.run({"convert", tiny("bert-mean"), "-o", file, "--type", "q4_K"});
  CHECK(other.exit_code == kUsage);
  CHECK(other.err ==
        "runed: error: --type: 'q4_K' is none that can be written\n"
        "hint: there are: f32, f16, bf16, q8_0\n");
  CHECK(home.run({"convert", tiny("bert-unigram"), "-o", home.file("u.gguf")}).exit_code == 0);
  const Finished pickle =
      home.run({"convert", tiny("bert-pickle-only"), "-o", home.file("p.gguf")});
  CHECK(pickle.exit_code == kModel);
  CHECK(pickle.err.find("runed: error: cannot use the model '" + tiny("bert-pickle-only") +
                        "': the weights are in pytorch_model.bin alone, a Python pickle") == 0);
}

TEST_CASE("a directory that llama-server is to serve is refused with the way to convert it",
          "[directory]") {
  Home home;
  const Finished done = embed(home, tiny("bert-mean") + "/", "llama-server");
  CHECK(done.exit_code == kModel);
  CHECK(done.err == "runed: error: the model '" + tiny("bert-mean") +
                        "' is a directory, which llama-server cannot read (RUNED_ENGINE says so)\n"
                        "hint: write it as a GGUF file, and name that: runed convert '" +
                        tiny("bert-mean") + "' -o FILE.gguf\n");
}

TEST_CASE("a directory that cannot be served says what is wrong with it", "[directory]") {
  Home home;
  const Finished pickle = embed(home, tiny("bert-pickle-only"), "auto");
  CHECK(pickle.exit_code == kModel);
  CHECK(pickle.err.starts_with("runed: error: cannot use the model '" + tiny("bert-pickle-only") +
                               "': the weights are in pytorch_model.bin alone"));
  std::filesystem::create_directory(home.file("empty"));
  const Finished none = embed(home, home.file("empty"), "auto");
  CHECK(none.exit_code == kModel);
  CHECK(none.err ==
        "runed: error: cannot use the model '" + home.file("empty") +
            "': it is a directory, not a regular file, and no model: config.json is not "
            "in it\n"
            "hint: name a GGUF file, or a whole directory of Hugging Face's\n");
  const Finished absent = embed(home, home.file("no/"), "auto");
  CHECK(absent.exit_code == kModel);
  CHECK(absent.err.starts_with("runed: error: there is no model file '" + home.file("no")));
}
