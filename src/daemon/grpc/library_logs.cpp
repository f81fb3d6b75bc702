#include "daemon/grpc/library_logs.hpp"

#include <fmt/core.h>
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <exception>
#include <filesystem>
#include <mutex>
#include <string>

namespace runed::daemon {
namespace {

namespace pb = google::protobuf;

// The libraries call plain functions, from threads of their own, which live longer than any log.
std::mutex mutex;  // Guards log_in_use.
Log* log_in_use = nullptr;

enum class Severity { info, warning, error };

// Whatever happens here, a library that has something to say must not be ended by it.
void tell(const char* library, Severity severity, const char* file, int line) {
  try {
    const std::lock_guard lock(mutex);
    if (log_in_use == nullptr) return;
    const std::string name = std::filesystem::path(file != nullptr ? file : "").filename();
    const Log::Field source{"source", fmt::format("{}:{}", name, line)};
    if (severity == Severity::error) {
      log_in_use->error(library, {source});
    } else if (severity == Severity::warning) {
      log_in_use->warn(library, {source});
    } else {
      log_in_use->info(library, {source});
    }
  } catch (const std::exception&) {  // For want of memory: then it is not told.
  }
}

void on_grpc(gpr_log_func_args* said) {
  tell("gRPC", said->severity == GPR_LOG_SEVERITY_ERROR ? Severity::error : Severity::info,
       said->file, said->line);
}

void on_protobuf(pb::LogLevel level, const char* file, int line, const std::string& /*text*/) {
  const Severity severity = level >= pb::LOGLEVEL_ERROR     ? Severity::error
                            : level == pb::LOGLEVEL_WARNING ? Severity::warning
                                                            : Severity::info;
  tell("protobuf", severity, file, line);
}

}  // namespace

LibraryLogs::LibraryLogs(Log& log) {
  const std::lock_guard lock(mutex);
  log_in_use = &log;
  gpr_set_log_function(on_grpc);
  pb::SetLogHandler(on_protobuf);
}

LibraryLogs::~LibraryLogs() {
  const std::lock_guard lock(mutex);
  log_in_use = nullptr;
}

}  // namespace runed::daemon
