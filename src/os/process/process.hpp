#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "os/file/fd.hpp"

namespace runed::os {

constexpr int kStdin = 0;
constexpr int kStdout = 1;
constexpr int kStderr = 2;

int process_id();

/// The real user's id, decimal in the predecessor's paths.
unsigned user_id();

/// Reads a variable of the environment, the only place that does. Nobody of ours changes it but
/// leave_working_directory, at the start of a daemon.
std::optional<std::string> environment_variable(const std::string& name);

/// Lists the environment: KEY=VALUE.
std::vector<std::string> environment_variables();

/// Returns $HOME, or where it is unset or empty what the user database says.
/// Errors: not_found.
Result<std::string> home_directory();

/// Returns the path of the program that runs.
Result<std::string> executable_path();

bool is_terminal(int fd);

/// Returns how many columns a terminal has; 0 if it is none, or does not tell.
size_t terminal_columns(int fd);

/// Puts /dev/null in the place of each of stdin, stdout and stderr that is closed, so that nothing
/// that is opened later takes that number and gets what was meant for them. Reading stdin and writing
/// the other two then fail, as they would have. Before anything is opened.
void fill_standard_descriptors();

/// Tells whether it is something that can be read: a file, a device, a pipe, a socket. A program that
/// was started with stdin closed has there what fill_standard_descriptors left, or else what a library
/// opened first.
bool is_readable_stream(int fd);

/// Tells whether a descriptor is /dev/null.
bool is_null_device(int fd);

/// Opens a handle that can be read once the process has ended, child or not (pidfd).
/// Errors: not_found if there is no such process.
Result<Fd> open_process(int pid);

/// Waits until the process has ended; false when the time is over.
bool wait_for_exit(int pid, std::chrono::milliseconds timeout);

/// Sends a signal to one process.
/// Errors: not_found if there is no such process; permission_denied.
Status signal_process(int pid, int signal);

/// Returns the processor time that a process has used, in itself and in the kernel; 0 if unknown.
std::chrono::milliseconds cpu_time_of(int pid);

/// Returns how many processes the kernel has killed for want of memory, in whatever cgroup, since
/// it started; 0 if unknown.
uint64_t oom_kills();

/// Finds the TCP port on 127.0.0.1 that a process of this user listens on.
std::optional<uint16_t> find_listening_port(int pid);

}  // namespace runed::os
