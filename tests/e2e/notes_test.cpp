// What a command notes beside its result, and that a program which asked for JSON can read it.
#include <filesystem>

#include "base/text.hpp"
#include "runed_process.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::test::Finished;
using runed::test::Home;
using runed::test::Running;
using runed::test::write_text;

namespace {

// Each line of stderr, which must be a document of its own.
std::vector<Json> documents(const std::string& err) {
  std::vector<Json> all;
  for (const std::string_view line : runed::split(err, '\n')) {
    if (!line.empty()) all.push_back(runed::test::unwrap(runed::parse_json(line)));
  }
  return all;
}

std::string words(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += "word ";
  return text;
}

}  // namespace

TEST_CASE("texts that were cut are counted, in a note and beside each result", "[notes]") {
  Home home;
  for (const std::vector<std::string>& way :
       std::vector<std::vector<std::string>>{{}, {"--direct"}, {"--ids"}}) {
    CAPTURE(way);
    std::vector<std::string> command{"embed", "--truncate", "right",
                                     "short", words(600),   words(700)};
    command.insert(command.end(), way.begin(), way.end());
    const Finished text = home.run(command);
    CHECK(text.exit_code == 0);
    CHECK(text.err.find(
              "runed: note: 2 of 3 texts were cut to as many tokens as the model takes\n") !=
          std::string::npos);
    command.emplace_back("--json");
    const Finished json = home.run(command);
    const Json results = json.json()["embeddings"];
    CHECK_FALSE(results[0].contains("tokens_dropped"));
    CHECK(results[1]["tokens_dropped"] > 0);
    CHECK(results[1]["tokens"] == 512);
    CHECK(documents(json.err).back()["note"] ==
          "2 of 3 texts were cut to as many tokens as the model takes");
  }
  const Finished whole = home.run({"embed", "--truncate", "right", "short"});
  CHECK(whole.err.empty());
}

TEST_CASE("the ids that are printed are those that the model sees", "[notes]") {
  Home home;
  home.set("RUNED_CTX_SIZE", "8");
  const auto ids = [&home](const std::string& side) {
    return home.run({"embed", "--ids", "--json", "--truncate", side, words(20)})
        .json()["embeddings"][0];
  };
  CHECK(ids("right")["ids"].size() == 8);
  CHECK(ids("left")["ids"].size() == 8);
  const Json all = ids("error");  // How long it is can be asked, too.
  CHECK(all["ids"].size() == all["tokens"]);
  CHECK(all["ids"].size() > 8);
}

TEST_CASE("a text that is the name of a file is embedded, and noted", "[notes]") {
  Home home;
  write_text(home.file("notes.txt"), "x\n");
  std::filesystem::create_directory(home.file("directory"));
  const Finished done =
      home.run({"embed", "--direct", home.file("notes.txt"), home.file("directory"), "none.txt"});
  CHECK(done.exit_code == 0);
  CHECK(done.err.find("runed: note: '" + home.file("notes.txt") +
                      "' is embedded as text; --file reads it\n") != std::string::npos);
  CHECK(done.err.find("directory") == std::string::npos);
  CHECK(done.err.find("none.txt") == std::string::npos);
  CHECK(documents(home.run({"embed", "--direct", "--json", home.file("notes.txt")}).err).size() ==
        1);
}

TEST_CASE("a variable that is misspelt is noted by every command but the daemon", "[notes]") {
  Home home;
  home.set("RUNED_THREDS", "2");
  const std::string note = "there is no variable 'RUNED_THREDS': did you mean 'RUNED_THREADS'?";
  CHECK(home.run({"status"}).err == "runed: note: " + note + "\n");
  const Finished json = home.run({"status", "--json"});
  CHECK(documents(json.err).front()["note"] == note);
  const Finished embedded = home.run({"embed", "--json", "x"});
  CHECK(embedded.exit_code == 0);
  for (const Json& each : documents(embedded.err)) CHECK(each.contains("note"));
  CHECK(home.daemon_log().find(R"("msg":"misspelt variable")") != std::string::npos);
}

TEST_CASE("behind a note the error of a command is JSON all the same", "[notes]") {
  Home home;
  home.set("RUNED_THREDS", "2");
  const Finished done = home.run({"embed", "--json", "--direct", "-d", "0", "x"});
  CHECK(done.exit_code == 2);
  const auto all = documents(done.err);
  REQUIRE(all.size() == 2);
  CHECK(all[0].contains("note"));
  CHECK(all[1]["error"]["code"] == "BAD_DIMENSIONS");
  CHECK(all[1]["error"]["details"]["minimum"] == "64");
}

TEST_CASE("dimensions that no model has are refused with the range of this one", "[notes]") {
  Home home;
  for (const std::vector<std::string>& way :
       std::vector<std::vector<std::string>>{{}, {"--direct"}, {"--ids"}}) {
    for (const char* number : {"0", "-1", "99999999999"}) {
      CAPTURE(way, number);
      std::vector<std::string> command{"embed", "-d", number, "x"};
      command.insert(command.end(), way.begin(), way.end());
      const Finished done = home.run(command);
      CHECK(done.exit_code == 2);
      CHECK(
          done.err.find(fmt::format("runed: error: cannot give {} dimensions: 'runed-mini' has 64 "
                                    "to 256\n",
                                    number)) != std::string::npos);
    }
  }
}
