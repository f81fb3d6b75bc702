#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "os/file/files.hpp"
#include "os/process/child.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

namespace runed::test {

/// An https server on a free port of 127.0.0.1 (`openssl s_server`), with a certificate of its own
/// that nobody trusts by default. It answers with files, each a whole HTTP answer.
class TlsServer {
 public:
  TlsServer() {
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-keyout key.pem -out cert.pem -subj /CN=127.0.0.1 "
        "-addext subjectAltName=IP:127.0.0.1");
    REQUIRE(unwrap(child_->wait(std::chrono::seconds(10))).has_value());
    run("openssl s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem -HTTP");
    REQUIRE(eventually([this] { return find_port(); }));
  }

  void answer(const std::string& name, std::string_view whole_answer) {
    write_text(dir_ / name, whole_answer);
  }
  std::string url(const std::string& name) const {
    return fmt::format("https://127.0.0.1:{}/{}", port_, name);
  }
  std::string certificate() const { return dir_ / "cert.pem"; }

 private:
  void run(const std::string& command) {
    const os::Fd log = unwrap(os::open_for_append(dir_ / "log", 0600));
    const std::string script = fmt::format("cd {} && exec {}", dir_.path(), command);
    child_ = unwrap(os::Child::spawn(
        {.arguments = {"/bin/sh", "-c", script}, .stdout_fd = log.get(), .stderr_fd = log.get()}));
  }
  bool find_port() {
    constexpr std::string_view kLine = "ACCEPT 127.0.0.1:";
    const std::string text = read_text(dir_ / "log");
    const size_t at = text.find(kLine);
    if (at == std::string::npos || text.find('\n', at) == std::string::npos) return false;
    port_ = std::stoi(text.substr(at + kLine.size()));
    return true;
  }

  TempDir dir_;
  std::optional<os::Child> child_;
  int port_ = 0;
};

}  // namespace runed::test
