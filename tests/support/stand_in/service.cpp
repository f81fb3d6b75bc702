#include "support/stand_in/service.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <thread>

namespace runed::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

[[noreturn]] void wait_for_ever() {
  while (true) std::this_thread::sleep_for(std::chrono::hours(1));
}

bool send_json(Connection& connection, int status, const std::string& body) {
  return connection.send(answer_head(status, body.size()) + body) && status == 200;
}

bool send_error(Connection& connection, int status, std::string_view message) {
  return send_json(connection, status, error_body(status, message));
}

bool contains(const std::vector<Ids>& texts, std::optional<uint64_t> id) {
  if (!id.has_value()) return false;
  return std::ranges::any_of(
      texts, [&](const Ids& ids) { return std::ranges::find(ids, *id) != ids.end(); });
}

// Memory that is in RAM for as long as the process lives.
void keep_memory(uint64_t size_bytes) {
  auto* const memory = static_cast<char*>(std::malloc(size_bytes));
  static std::atomic<char*> last;  // Reachable, so that no compiler leaves it out.
  std::memset(memory, 1, size_bytes);
  last = memory;
}

[[noreturn]] void crash(int signal) {
  std::signal(signal, SIG_DFL);  // A sanitizer would make an exit code of it.
  std::raise(signal);
  std::abort();
}

bool has_longer(const std::vector<Ids>& texts, std::optional<uint64_t> tokens) {
  return std::ranges::any_of(texts, [&](const Ids& ids) { return ids.size() > tokens; });
}

}  // namespace

Service::Service(const Modes& modes, std::string api_key, Record& record)
    : modes_(modes),
      api_key_(std::move(api_key)),
      record_(record),
      healthy_at_(steady_clock::now() + milliseconds(modes.number("loads-for").value_or(0))) {}

void Service::serve(Connection connection) {
  const int number = ++connections_;
  while (const auto request = connection.next()) {
    record_.request(*request, number);
    if (hangs_) wait_for_ever();
    if (!answer(connection, *request) || request->seen.header("connection") == "close") return;
  }
}

bool Service::answer(Connection& connection, const HttpRequest& request) {
  const std::string& path = request.seen.path;
  const bool is_health = path == "/health" || path == "/v1/health";
  if (!is_health && !api_key_.empty() &&
      request.seen.header("authorization") != "Bearer " + api_key_) {
    return send_error(connection, 401, "Invalid API Key");
  }
  if (!is_healthy()) return send_error(connection, 503, "Loading model");
  if (is_health) return send_json(connection, 200, R"({"status":"ok"})");
  const auto document = parse_json(request.body);
  if (!document || !document->is_object()) return send_error(connection, 400, "not a JSON object");
  if (path == "/tokenize") return tokenize(connection, *document);
  if (path == "/v1/embeddings") return embed(connection, *document);
  return send_error(connection, 404, "File Not Found");
}

bool Service::is_healthy() const {
  return !modes_.has("never-healthy") && steady_clock::now() >= healthy_at_;
}

bool Service::has_fault(std::string_view name, const Asked& asked) const {
  return modes_.has(name) && asked.number > modes_.number("after").value_or(0);
}

bool Service::tokenize(Connection& connection, const Json& document) {
  const auto content = document.find("content");
  if (content == document.end() || !content->is_string()) {
    return send_error(connection, 400, "no content");
  }
  return send_json(connection, 200, to_line({{"tokens", ids_of(content->get<std::string>())}}));
}

bool Service::embed(Connection& connection, const Json& document) {
  const uint64_t number = ++requests_;
  if (number == modes_.number("crash-on-request")) crash(SIGABRT);
  const auto input = document.find("input");
  auto texts = input == document.end() ? std::nullopt : texts_of(*input);
  if (!texts.has_value()) return send_error(connection, 400, "no input");
  const bool is_base64 =
      document.value("encoding_format", "float") == "base64" && !modes_.has("no-base64");
  const Asked asked{number, std::move(*texts), is_base64 ? Encoding::base64 : Encoding::numbers};
  suffer(asked);
  if (modes_.has("refuses-over-ubatch") && has_longer(asked.texts, modes_.number("ubatch"))) {
    return send_error(connection, 500,
                      "input is too large to process. increase the physical batch size");
  }
  if (contains(asked.texts, modes_.number("status-on-token"))) {
    return send_error(connection, 500, "the stand-in fails at this text");
  }
  if (has_fault("status", asked)) {
    return send_error(connection, static_cast<int>(*modes_.number("status")), "the stand-in fails");
  }
  return send_vectors(connection, asked);
}

// What may end or delay it before it has computed anything.
void Service::suffer(const Asked& asked) {
  if (contains(asked.texts, modes_.number("crash-on-token"))) crash(SIGABRT);
  if (contains(asked.texts, modes_.number("segv-on-token"))) crash(SIGSEGV);
  if (contains(asked.texts, modes_.number("hang-on-token"))) hangs_ = true;
  if (hangs_ || has_fault("hang-but-healthy", asked)) wait_for_ever();
  if (const auto size_bytes = modes_.number("grows")) keep_memory(*size_bytes);
  std::this_thread::sleep_for(milliseconds(modes_.number("slow").value_or(0)));
  const std::string gate = modes_.text("waits-for");
  while (!gate.empty() && !std::filesystem::exists(gate)) {
    std::this_thread::sleep_for(milliseconds(2));
  }
}

bool Service::send_vectors(Connection& connection, const Asked& asked) {
  const std::string body = embeddings_body(vectors_of(asked), asked.encoding);
  const uint64_t count = ++answers_;
  if (count == modes_.number("hang-after")) hangs_ = true;  // Whoever has this answer sees it hang.
  const bool goes_on = send_body(connection, asked, body);
  if (count == modes_.number("crash-after")) crash(SIGABRT);
  return goes_on;
}

std::vector<std::vector<float>> Service::vectors_of(const Asked& asked) const {
  const size_t dimension =
      modes_.number("dimension").value_or(384) + (has_fault("wrong-dimension", asked) ? 1 : 0);
  std::vector<std::vector<float>> vectors;
  for (const Ids& ids : asked.texts) {
    std::vector<float> vector = vector_of(ids, dimension);
    if (has_fault("nan", asked) || contains({ids}, modes_.number("nan-on-token"))) {
      vector[dimension / 2] = std::numeric_limits<float>::quiet_NaN();
    }
    if (has_fault("wrong-norm", asked)) {
      std::ranges::for_each(vector, [](float& value) { value *= 3; });
    }
    if (has_fault("zero-vector", asked)) std::ranges::fill(vector, 0.0F);
    vectors.push_back(std::move(vector));
  }
  if (has_fault("too-few", asked)) vectors.pop_back();
  return vectors;
}

bool Service::send_body(Connection& connection, const Asked& asked, const std::string& body) const {
  if (has_fault("garbage", asked)) return send_json(connection, 200, "<html>this is no JSON");
  if (has_fault("cut-body", asked)) {
    connection.send(answer_head(200, body.size()) + body.substr(0, body.size() / 2));
    return false;
  }
  if (has_fault("endless-body", asked)) {
    if (!connection.send("HTTP/1.1 200 Stand-in\r\nConnection: close\r\n\r\n")) return false;
    const std::string piece(size_t{1} << 16, ' ');
    while (connection.send(piece)) continue;
    return false;
  }
  return send_json(connection, 200, body);
}

}  // namespace runed::test
