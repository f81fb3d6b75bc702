// An executable that plays llama-server (build b11669) for the tests of what supervises it: the
// same endpoints on a real socket, vectors made from the ids, and every fault that the modes name.
// A wrapper puts `--mode NAME[=VALUE]` before llama-server's own arguments (stand_in.hpp).
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include "os/file/fd.hpp"
#include "os/file/files.hpp"
#include "support/stand_in/connection.hpp"
#include "support/stand_in/modes.hpp"
#include "support/stand_in/record.hpp"
#include "support/stand_in/service.hpp"

namespace {

using runed::os::Fd;
using runed::test::Connection;
using runed::test::Endpoint;
using runed::test::Modes;
using runed::test::Record;
using runed::test::Service;

constexpr std::string_view kHelp = R"(----- common params -----

-h,    --help, --usage                  print usage and exit
--version                               show version and build info
-t,    --threads N                      number of CPU threads to use during generation
-tb,   --threads-batch N                number of threads to use during batch and prompt processing
-c,    --ctx-size N                     size of the prompt context
-b,    --batch-size N                   logical maximum batch size (default: 2048)
-ub,   --ubatch-size N                  physical maximum batch size (default: 512)
-fa,   --flash-attn [on|off|auto]       set Flash Attention use ('on', 'off', or 'auto')
--repack, -nr, --no-repack              whether to enable weight repacking (default: enabled)
-ctk,  --cache-type-k TYPE              KV cache data type for K
-ctv,  --cache-type-v TYPE              KV cache data type for V
-dev,  --device <dev1,dev2,..>          comma-separated list of devices to use for offloading
--list-devices                          print list of available devices and exit
-ngl,  --gpu-layers, --n-gpu-layers N   max. number of layers to store in VRAM
-m,    --model FNAME                    model path to load
-lv,   --verbosity, --log-verbosity N   Set the verbosity threshold
--log-colors [on|off|auto]              Set colored logging
--warmup, --no-warmup                   whether to perform warmup with an empty run
--pooling {none,mean,cls,last,rank}     pooling type for embeddings
-np,   --parallel N                     number of server slots
-a,    --alias STRING                   set model name aliases
--port PORT                             port to listen (default: 8080)
--embedding, --embeddings               restrict to only support embedding use case
--api-key KEY                           API key to use for authentication
                                        (env: LLAMA_API_KEY)
--threads-http N                        number of threads used to process HTTP requests
--metrics                               enable prometheus compatible metrics endpoint
--slots, --no-slots                     expose slots monitoring endpoint (default: enabled)
-sps,  --slot-prompt-similarity SIMILARITY
                                        how much the prompt of a request must match that of a slot
)";

constexpr std::string_view kHelpOfNew = R"(--offline                               Offline mode
--fit [on|off]                          whether to adjust unset arguments to fit in device memory
-cram, --cache-ram N                    set the maximum cache size in MiB (default: 8192)
-kvu,  --kv-unified, -no-kvu, --no-kv-unified
                                        use single unified KV buffer shared across all sequences
--cache-prompt, --no-cache-prompt       whether to enable prompt caching (default: enabled)
--ui,  --webui, --no-ui, --no-webui     whether to enable the Web UI (default: enabled)
--host HOST                             IP addresses to listen on, comma-separated, or UNIX socket paths
                                        ending in .sock; with multiple TCP addresses, :: binds IPv6 only
)";

constexpr std::string_view kHelpOfOld =
    R"(--no-webui                              Disable the Web UI (default: enabled)
--host HOST                             ip address to listen (default: 127.0.0.1)
)";

struct CommandLine {
  Modes modes;
  Endpoint endpoint;
  std::string api_key;
  std::string_view only;  // --help, --version or --list-devices.
};

[[noreturn]] void end(int code, std::string_view text) {
  fmt::print(stderr, "{}\n", text);
  std::exit(code);
}

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

CommandLine parse(int argc, char** argv) {
  CommandLine line;
  line.api_key = variable("LLAMA_API_KEY");
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    if (argument == "--mode" && !line.modes.add(value)) {
      end(2, fmt::format("no mode '{}'; there are\n{}", value, runed::test::list_modes()));
    }
    if (argument == "--ubatch-size") line.modes.add("ubatch=" + value);
    if (argument == "--host") line.endpoint.host = value;
    if (argument == "--port") line.endpoint.port = static_cast<uint16_t>(std::stoi(value));
    if (argument == "--api-key") line.api_key = value;
    if (argument == "--help" || argument == "-h" || argument == "--version" ||
        argument == "--list-devices") {
      line.only = argument;
    }
  }
  return line;
}

// Where the real one prints it: the version on stderr, the rest on stdout.
int print_only(const CommandLine& line) {
  if (line.only == "--version") {
    end(0, "version: 0.0.1 (build 1, commit stand-in)\nbuilt with a test");
  }
  if (line.only == "--list-devices") {
    fmt::print("Available devices:\n  {}\n",
               line.modes.has("gpu") ? "CUDA0: Stand-in (1024 MiB, 1000 MiB free)" : "(none)");
  } else {
    fmt::print("{}{}", kHelp, line.modes.has("old") ? kHelpOfOld : kHelpOfNew);
  }
  return 0;
}

[[noreturn]] void sleep_for_ever() {
  while (true) ::pause();
}

void print_much(const Modes& modes) {
  if (const auto size_bytes = modes.number("prints-long-line")) {
    (void)runed::os::write_all(2, std::string(*size_bytes, 'x') + "\n");
  }
  for (uint64_t i = 1; i <= modes.number("prints-lines").value_or(0); ++i) {
    (void)runed::os::write_all(2, fmt::format("line {}\n", i));
  }
}

// What goes wrong, or not, before it listens.
void start(const Modes& modes) {
  std::signal(SIGPIPE, SIG_IGN);
  const bool ignores = modes.has("ignores-term");
  for (const int number : {SIGTERM, SIGINT}) std::signal(number, ignores ? SIG_IGN : SIG_DFL);
  if (modes.has("forks") && ::fork() == 0) sleep_for_ever();
  if (!ignores) {
    for (const int number : {SIGTERM, SIGINT}) std::signal(number, [](int) { ::_exit(0); });
  }
  if (const auto code = modes.number("exits-at-once")) {
    end(static_cast<int>(*code), "error: the stand-in exits at once");
  }
  print_much(modes);
  if (modes.has("never-opens-socket")) sleep_for_ever();
}

[[noreturn]] void serve(CommandLine& line, Record& record) {
  if (line.modes.has("old") && line.api_key.empty()) line.api_key = "nobody was told this key";
  const bool can_bind = !line.modes.has("old") || !line.endpoint.is_unix();
  const Fd listener = can_bind ? runed::test::listen_at(line.endpoint) : Fd();
  if (!listener.is_open()) {
    end(1,
        fmt::format("E srv         start: couldn't bind HTTP server socket, hostname: {}, port: {}",
                    line.endpoint.host, line.endpoint.port));
  }
  Service service(line.modes, line.api_key, record);
  fmt::print(stderr, "I srv  llama_server: listening on {}\n", line.endpoint.url());
  while (true) {
    Fd client = runed::test::accept_from(listener);
    if (!client.is_open()) continue;
    std::thread([&service, client = std::move(client)]() mutable {
      service.serve(Connection(std::move(client)));
    }).detach();
  }
}

}  // namespace

int main(int argc, char** argv) {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  CommandLine line = parse(argc, argv);
  if (!line.only.empty()) return print_only(line);
  if (const std::string once = line.modes.text("once"); !once.empty()) {
    if (runed::os::exists(once)) line.modes.forget_faults();
    (void)runed::os::open_for_append(once, 0600);
  }
  Record record(line.modes.text("record"));
  record.start(argc, argv);
  start(line.modes);
  serve(line, record);
}
