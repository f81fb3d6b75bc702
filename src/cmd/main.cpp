#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>

#include "cmd/line/command_line.hpp"
#include "cmd/line/known_variables.hpp"
#include "cmd/line/note.hpp"
#include "cmd/line/progress.hpp"
#include "cmd/serve.hpp"
#include "os/file/write_fault.hpp"
#include "os/process/child_helper.hpp"
#include "os/process/process.hpp"

namespace runed::cmd {
namespace {

constexpr int kSignalBase = 128;  // As shells count.

ExitCode report(const Error& error, bool as_json) {
  std::cerr << (as_json ? format_error_json(error) : format_error(error));
  if (const auto* const signal = error.facts.find(fact::kSignal)) {
    return static_cast<ExitCode>(kSignalBase + static_cast<int>(*signal));
  }
  return exit_code_of(error.code);
}

// The predecessor's clients start their daemon as a bare `runed` with nothing on stdin. Whoever has
// something there, a text or a keyboard, forgot the command.
bool is_started_as_daemon(const std::vector<std::string>& arguments) {
  return arguments.empty() &&
         (os::is_null_device(os::kStdin) || !os::is_readable_stream(os::kStdin));
}

Result<ParsedCommandLine> parse(CommandLine& command_line,
                                const std::vector<std::string>& arguments) {
  if (is_started_as_daemon(arguments)) {
    return ParsedCommandLine{[](Services& services) {
                               return run_serve({.starter = daemon::Starter::client}, services);
                             },
                             {}};
  }
  const std::string help = command_line.help();
  if (arguments.empty() && os::is_terminal(os::kStdin)) return ParsedCommandLine{{}, help};
  if (arguments.empty()) std::cout << help << std::flush;
  return command_line.parse(arguments);
}

void note_misspelt_variables(bool as_json) {
  for (const std::string& text : find_misspelt_variables(os::environment_variables())) {
    std::cerr << format_note(text, as_json);
  }
}

ExitCode run_main(const std::vector<std::string>& arguments, bool is_daemon,
                  os::SignalWatcher* signals) {
  const bool as_json = wants_json(arguments);
  CommandLine command_line;
  auto parsed = parse(command_line, arguments);
  if (!parsed) return report(parsed.error(), as_json);

  const SystemClock clock;
  Services services{
      .clock = clock,
      .environment = os::environment_variable,
      .stdin_fd = os::kStdin,
      .out = std::cout,
      .err = std::cerr,
      .err_is_terminal = os::is_terminal(os::kStderr),
      .out_columns = os::terminal_columns(os::kStdout),
      .end_process =
          [as_json](const Error& error) { std::_Exit(static_cast<int>(report(error, as_json))); },
      .signals = signals};
  Result<ExitCode> result = ExitCode::ok;
  if (parsed->run) {
    // What a daemon writes there is its log.
    if (!is_daemon) note_misspelt_variables(as_json);
    result = parsed->run(services);
  } else {
    std::cout << parsed->text;
  }
  std::cout.flush();
  if (result && !std::cout) {
    result = os::write_fault(os::kStdout, "cannot write to stdout");
  }
  return result ? *result : report(result.error(), as_json);
}

// A thread that was there when it was asked for may be somebody else's by the time that it is needed.
Error as_error(const std::system_error& fault) {
  if (fault.code() != std::errc::resource_unavailable_try_again) {
    return make_error(ErrorCode::internal, "{}", fault.what());
  }
  return make_error(ErrorCode::too_few_threads, "cannot start a thread: {}",
                    fault.code().message())
      .with_hint("'ulimit -u' and the pids limit of the cgroup say how many there may be");
}

int report_fault(const Error& error) {
  std::cerr << format_error(error);
  return static_cast<int>(exit_code_of(error.code));
}

}  // namespace
}  // namespace runed::cmd

int main(int argc, char** argv) {
  runed::os::run_as_child_helper(argc, argv);
  runed::os::fill_standard_descriptors();
  std::optional<runed::os::SignalWatcher> signals;
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  const std::string command = arguments.empty() ? "" : arguments.front();
  const bool is_daemon = runed::cmd::is_started_as_daemon(arguments) || command == "serve";
  // The daemon answers signals from its first instruction, and an installation ends in order; other
  // commands simply die of them.
  if (is_daemon || command == "install" || command == "verify") {
    signals.emplace();
  }
  if (signals.has_value()) runed::os::ignore_sigpipe();  // Nor must a peer that hangs up end it.
  runed::os::ignore_file_size_signal();
  runed::os::restore_child_signal();
  try {
    return static_cast<int>(
        runed::cmd::run_main(arguments, is_daemon, signals.has_value() ? &*signals : nullptr));
  } catch (const std::system_error& fault) {
    return runed::cmd::report_fault(runed::cmd::as_error(fault));
  } catch (const std::exception& fault) {
    return runed::cmd::report_fault(
        runed::make_error(runed::ErrorCode::internal, "{}", fault.what()));
  }
}
