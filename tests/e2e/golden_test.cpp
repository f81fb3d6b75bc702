// What a user reads: help and errors, kept word for word. ACCEPT=1 rewrites the files.
#include "support/golden.hpp"

#include "runed_process.hpp"

using runed::test::check_golden;
using runed::test::Finished;
using runed::test::Home;

namespace {

// A command's whole answer, with the paths of this run taken out.
std::string transcript(Home& home, const std::vector<std::string>& arguments,
                       const std::string& input = {}) {
  const Finished done = home.run(arguments, input);
  std::string text = fmt::format("exit code: {}\n--- stdout\n{}--- stderr\n{}", done.exit_code,
                                 done.out, done.err);
  for (size_t at = 0; (at = text.find(home.path())) != std::string::npos;) {
    text.replace(at, home.path().size(), "HOME");
  }
  return text;
}

// The same for an answer that ends with what this machine's CPU has.
std::string without_choices(std::string text) {
  const std::string_view before = "choose one of: ";
  const size_t at = text.find(before);
  REQUIRE(at != std::string::npos);
  CHECK(text.ends_with("portable\n"));
  return text.replace(at + before.size(), std::string::npos, "CHOICES\n");
}

}  // namespace

TEST_CASE("the help of every command", "[golden]") {
  Home home;
  check_golden("help.txt", transcript(home, {"--help"}));
  for (const char* command : {"embed", "rerank", "status", "models", "serve", "reload", "shutdown",
                              "convert", "install", "uninstall", "verify", "doctor", "gc"}) {
    check_golden(fmt::format("help_{}.txt", command), transcript(home, {command, "--help"}));
  }
}

TEST_CASE("the errors of a command line", "[golden]") {
  Home home;
  check_golden("no_command.txt", transcript(home, {}));
  check_golden("misspelt_command.txt", transcript(home, {"stauts"}));
  check_golden("misspelt_flag.txt", transcript(home, {"embed", "--jsno", "x"}));
  check_golden("bad_value.txt", transcript(home, {"embed", "--dimensions", "many", "x"}));
  check_golden("model_not_there.txt", transcript(home, {"embed", "--model", "/m.gguf", "x"}));
}

TEST_CASE("the errors of an input", "[golden]") {
  Home home;
  check_golden("empty_stdin.txt", transcript(home, {"embed"}));
  check_golden("blank_line.txt", transcript(home, {"embed"}, "one\n\nthree\n"));
  check_golden("invalid_utf8.txt", transcript(home, {"embed"}, "one\ncaf\xE9\n"));
  check_golden("invalid_utf8_json.txt", transcript(home, {"embed", "--json"}, "one\ncaf\xE9\n"));
  check_golden("missing_file.txt", transcript(home, {"embed", "-f", "/nonexistent/lines.txt"}));
  check_golden("too_few_dimensions.txt", transcript(home, {"embed", "--direct", "-d", "8", "x"}));
}

TEST_CASE("the errors of an environment", "[golden]") {
  Home home;
  home.set("RUNED_MODEL_VARIANT", "q8_0");
  check_golden("variant_not_installed.txt", transcript(home, {"embed", "--direct", "x"}));
  Home other;
  other.set("RUNED_ENGINE", "gpu");
  check_golden("unknown_engine.txt", transcript(other, {"embed", "x"}));
  Home third;
  third.set("RUNED_CPU", "sse2");
  check_golden("unknown_cpu.txt", without_choices(transcript(third, {"embed", "--direct", "x"})));
  Home misspelt;
  misspelt.set("RUNED_COMPUTE", "bp16");
  check_golden("unknown_compute.txt", transcript(misspelt, {"embed", "--direct", "x"}));
  misspelt.set("RUNED_CPU", "portable");
  misspelt.set("RUNED_COMPUTE", "int8");
  check_golden("compute_not_there.txt", transcript(misspelt, {"embed", "--direct", "x"}));
  misspelt.set("RUNED_COMPUTE", "");
  misspelt.set("RUNED_THREADS", "65");
  check_golden("too_many_threads.txt", transcript(misspelt, {"serve"}));
  Home fourth;
  fourth.set("RUNED_ENGINE", "llama-server");
  check_golden("no_llama_server.txt", transcript(fourth, {"embed", "--direct", "x"}));
  fourth.set("RUNED_LLAMA_SERVER", "/no/such/llama-server");
  check_golden("wrong_llama_server.txt", transcript(fourth, {"embed", "--direct", "x"}));
}

TEST_CASE("what can be installed, and what cannot", "[golden]") {
  Home home;
  check_golden("install_list.txt", transcript(home, {"install", "--list"}));
  check_golden("install_dry_run.txt", transcript(home, {"install", "--model-only", "--dry-run"}));
  check_golden("install_offline.txt", transcript(home, {"install", "--model-only", "--offline"}));
  check_golden("install_unknown_variant.txt", transcript(home, {"install", "--variant", "q4_K"}));
  check_golden("install_builtin.txt",
               transcript(home, {"install", "--variant", "builtin:runed-mini"}));
  check_golden("install_missing_bundle.txt",
               transcript(home, {"install", "--from", "/no/such.tar"}));
  check_golden("install_unknown_scheme.txt",
               transcript(home, {"install", "--manifest", "ftp://host/manifest.json"}));
  check_golden("uninstall_nothing.txt", transcript(home, {"uninstall"}));
  check_golden("uninstall_not_installed.txt", transcript(home, {"uninstall", "q8_0"}));
  check_golden("gc_bad_age.txt", transcript(home, {"gc", "--older-than", "30"}));
}
