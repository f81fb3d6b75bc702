#include "embed/llama_server/process/server_features.hpp"

#include "support/real_llama_server.hpp"
#include "support/result_matchers.hpp"
#include "support/stand_in.hpp"

using runed::ErrorCode;
using runed::embed::llama_server::parse_features;
using runed::embed::llama_server::read_features;
using runed::embed::llama_server::ServerFeatures;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_stand_in;
using runed::test::write_text;

namespace {

constexpr const char* kHelp =
    "-m,    --model FNAME                    model path to load\n"
    "-kvu,  --kv-unified, -no-kvu, --no-kv-unified\n"
    "--host HOST   IP addresses to listen on, or UNIX socket paths\n"
    "              ending in .sock\n"
    "-lv,   --log-verbosity N\n"
    "               - 1: error\n"
    "               - 2: warning\n";

}  // namespace

TEST_CASE("a help names the flags of a build") {
  const ServerFeatures features = parse_features(kHelp, "", "");
  CHECK(features.has("--model"));
  CHECK(features.has("--no-kv-unified"));
  CHECK_FALSE(features.has("--kv"));
  CHECK_FALSE(features.has("--"));
  CHECK(features.has_unix_sockets);
  CHECK(features.has_log_levels);
}

TEST_CASE("an old help has neither sockets nor levels") {
  const ServerFeatures features = parse_features("--host HOST  ip address to listen\n", "", "");
  CHECK_FALSE(features.has_unix_sockets);
  CHECK_FALSE(features.has_log_levels);
}

TEST_CASE("the version is what follows the word") {
  CHECK(parse_features("", "ggml_init: x\nversion: 6123 (abc)\r\nbuilt with GCC\n", "").version ==
        "6123 (abc)");
  CHECK(parse_features("", "", "").version == "unknown");
}

TEST_CASE("devices are the indented lines, if there are any") {
  CHECK_FALSE(parse_features("", "", "Available devices:\n  (none)\n").has_gpu);
  const ServerFeatures features = parse_features(
      "", "",
      "ggml_cuda_init: found 2 CUDA devices:\n  Device 0: A, compute capability 8.6\n"
      "Available devices:\n  CUDA0: A (1 MiB, 1 MiB free)\n  BLAS: OpenBLAS (0 MiB)\n"
      "  CUDA1: B (1 MiB, 1 MiB free)\n");
  CHECK(features.has_gpu);
  CHECK(features.devices == std::vector<std::string>{"CUDA0: A", "CUDA1: B"});
  CHECK_FALSE(parse_features("", "", "Available devices:\n  BLAS: OpenBLAS (0 MiB)\n").has_gpu);
}

TEST_CASE("a stand-in says what it can do") {
  const TempDir dir;
  const ServerFeatures features = unwrap(read_features(write_stand_in(dir / "server")));
  CHECK(features.has_unix_sockets);
  CHECK(features.version.find("0.0.1") == 0);
  CHECK_FALSE(features.has_gpu);
  CHECK(unwrap(read_features(write_stand_in(dir / "gpu", {"gpu"}))).has_gpu);
}

TEST_CASE("the real llama-server has what the flags are chosen by") {
  const auto llama_server = runed::test::real_llama_server();
  if (!llama_server) return;
  const ServerFeatures features = unwrap(read_features(*llama_server));
  CHECK(features.has_unix_sockets);
  CHECK(features.has_log_levels);
  CHECK(features.has("--kv-unified"));
  CHECK(features.has("--no-cache-prompt"));
  CHECK(features.has("--cache-ram"));
  CHECK(features.version != "unknown");
}

TEST_CASE("a program that is no llama-server is refused") {
  const auto error = unwrap_error(read_features("/bin/true"));
  CHECK(error.code == ErrorCode::bad_config);
  CHECK(error.message ==
        "'/bin/true' is not a llama-server that runs here: its help does not name --model");
}

TEST_CASE("a program that fails is refused with what it says") {
  const TempDir dir;
  const std::string path = dir / "server";
  write_text(path, "#!/bin/sh\necho 'libggml.so.0: cannot open'\nexit 127\n");
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  const auto error = unwrap_error(read_features(path));
  CHECK(error.message.find("--help exited with code 127: libggml.so.0: cannot open") !=
        std::string::npos);
  CHECK(error.hint == "try '" + path + " --version' by hand");
}

TEST_CASE("a program that is not there is not found") {
  CHECK(unwrap_error(read_features("/nowhere/llama-server")).code == ErrorCode::not_found);
}
