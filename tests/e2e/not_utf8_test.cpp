// Bytes that are not UTF-8, where the wire wants text: in what a client sends they are refused by
// their place, in what it is told, such as a path, they are shown with escapes.
#include <cstdlib>
#include <filesystem>
#include <map>

#include "base/text.hpp"
#include "raw_client.hpp"
#include "runed/v1/runed.pb.h"
#include "support/result_matchers.hpp"

namespace v1 = runed::v1;
using runed::find_invalid_utf8;
using runed::Json;
using runed::test::error_info;
using runed::test::Finished;
using runed::test::Home;
using runed::test::kEmbed;
using runed::test::kEmbedBatch;
using runed::test::kInfo;
using runed::test::kService;
using runed::test::OldClient;
using runed::test::Running;
using runed::test::unwrap;
using runed::test::write_text;

namespace {

// Of length up to 127, or of any: the wire's form of a string, whatever its bytes.
std::string field(uint32_t number, const std::string& bytes) {
  std::string wire;
  for (size_t rest : {size_t{number} << 3 | 2, bytes.size()}) {
    for (; rest >= 0x80; rest >>= 7) wire += static_cast<char>(rest | 0x80);
    wire += static_cast<char>(rest);
  }
  return wire + bytes;
}

const std::string kSurrogate = "half: \xED\xA0\xBD!";  // As protobuf.js writes "\ud83d".

std::string item(char id, const std::string& text) {
  return field(2, std::string("\x08") + id + field(2, text));
}

google::rpc::ErrorInfo check_refused(const grpc::Status& status) {
  CAPTURE(status.error_message());
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  const auto info = error_info(status);
  CHECK(info.reason() == "NOT_UTF8");
  return info;
}

// Everything that a command prints is UTF-8, and it names the path with an escape.
void check_shown(const Finished& done) {
  INFO("stdout: " << done.out << "\nstderr: " << done.err);
  CHECK_FALSE(find_invalid_utf8(done.out).has_value());
  CHECK_FALSE(find_invalid_utf8(done.err).has_value());
  CHECK((done.out + done.err).find("\\xff") != std::string::npos);
}

// An error of `--json`: the last line on stderr.
Json error_of(const Finished& done) {
  INFO("stderr: " << done.err);
  const size_t begin = done.err.rfind('\n', done.err.size() - 2);
  return unwrap(runed::parse_json(
      std::string_view(done.err).substr(begin == std::string::npos ? 0 : begin + 1)))["error"];
}

}  // namespace

TEST_CASE("a text that is not UTF-8 is told by its index", "[not_utf8]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  const auto single = check_refused(client.begin(kEmbed, field(1, kSurrogate)).finish().status);
  CHECK(single.metadata().at("index") == "0");
  CHECK(single.metadata().at("byte_offset") == "6");
  const auto answer =
      client.begin(kEmbedBatch, field(1, "a") + field(1, "b") + field(1, kSurrogate)).finish();
  CHECK(answer.status.error_message() == "text 2: the text is not UTF-8 at byte 6");
  CHECK(check_refused(answer.status).metadata().at("index") == "2");
  // Large ones are looked at by other threads.
  for (const size_t bytes : {size_t{100} << 10, size_t{3} << 20}) {
    std::string large(bytes, ' ');
    large += '\xFF';
    const auto info =
        check_refused(client.begin(kEmbedBatch, field(1, "a") + field(1, large)).finish().status);
    CHECK(info.metadata().at("index") == "1");
    CHECK(info.metadata().at("byte_offset") == std::to_string(bytes));
  }
  CHECK(client.embed("text").status.ok());
}

TEST_CASE("a text of a stream that is not UTF-8 fails alone", "[not_utf8]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  auto stream = client.stream("/" + kService + "/EmbedStream");
  for (char id = 1; id <= 9; ++id) stream.write(item(id, id == 4 ? kSurrogate : "text"));
  stream.close();
  std::map<uint64_t, v1::EmbedStreamResponse> answers;
  while (const auto bytes = stream.read()) {
    v1::EmbedStreamResponse response;
    REQUIRE(response.ParseFromString(*bytes));
    answers[response.id()] = response;
  }
  CHECK(stream.finish().ok());
  REQUIRE(answers.size() == 9);
  for (const auto& [id, response] : answers) CHECK(response.has_embedding() == (id != 4));
  CHECK(answers[4].error().code() == grpc::StatusCode::INVALID_ARGUMENT);
  google::rpc::ErrorInfo info;
  REQUIRE(answers[4].error().details(0).UnpackTo(&info));
  CHECK(info.reason() == "NOT_UTF8");
  CHECK(info.metadata().at("byte_offset") == "6");
}

TEST_CASE("an instruction, a version or a preset that is not UTF-8 is told by its name",
          "[not_utf8]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  const std::string query("\xA8\x06\x02", 3);  // input_type = 101: a query.
  const std::string instruction = query + field(102, "\xFF");
  for (const std::string& method : {kEmbed, kEmbedBatch}) {
    const auto status = client.begin(method, field(1, "text") + instruction).finish().status;
    CHECK(status.error_message() == "the instruction is not UTF-8 at byte 0");
    CHECK(check_refused(status).metadata().at("field") == "instruction");
  }
  auto stream = client.stream("/" + kService + "/EmbedStream");
  stream.write(field(1, instruction));
  CHECK_FALSE(stream.read().has_value());
  CHECK(check_refused(stream.finish()).metadata().at("field") == "instruction");
  const std::map<std::string, std::string> headers{
      {"version", field(1, "\xFF")}, {"preset", field(1, "v") + field(4, "\xFF")}};
  for (const auto& [name, header] : headers) {
    auto push = client.stream("/" + kService + "/SetCentroids");
    push.write(field(1, header));
    CHECK_FALSE(push.read().has_value());
    CHECK(check_refused(push.finish()).metadata().at("field") == name);
  }
  CHECK(client.info().centroid_set_version().empty());
}

TEST_CASE("a text that is not UTF-8 does not wake the model", "[not_utf8]") {
  Home home;
  home.set("RUNED_IDLE_TIMEOUT", "200ms");
  const Running daemon = home.serve();
  const OldClient client(home);
  client.wait_for(runed::test::old::HealthResponse::STATUS_IDLE);
  check_refused(client.begin(kEmbed, field(1, kSurrogate)).finish().status);
  CHECK(client.health().status() == runed::test::old::HealthResponse::STATUS_IDLE);
}

TEST_CASE("a home that is not UTF-8 is served, and shown with escapes", "[not_utf8]") {
  Home home("h\xff");
  Running daemon = home.serve();
  const auto [status, info] =
      OldClient(home).call<v1::InfoResponse>(kInfo, v1::InfoRequest());
  REQUIRE(status.ok());
  bool has_socket = false;
  for (const auto& entry : info.config()) {
    CHECK_FALSE(find_invalid_utf8(entry.value()).has_value());
    if (entry.key() == "socket") {
      has_socket = true;
      CHECK(entry.value().ends_with("/h\\xff/embedding.sock"));
    }
  }
  CHECK(has_socket);

  const Finished embedded = home.run({"embed", "--json", "text"});
  CHECK(embedded.exit_code == 0);
  CHECK(embedded.json()["embeddings"].size() == 1);
  CHECK_FALSE(find_invalid_utf8(embedded.err).has_value());

  const Json told = home.status();
  CHECK(told["state"] == "ok");
  CHECK(told["home"].get<std::string>().ends_with("/h\\xff"));
  CHECK(told["config"]["socket"]["value"].get<std::string>().ends_with("/h\\xff/embedding.sock"));
  check_shown(home.run({"status"}));
  check_shown(home.run({"status", "--json"}));
  check_shown(home.run({"doctor"}));
  const Finished doctor = home.run({"doctor", "--json"});
  check_shown(doctor);
  CHECK_FALSE(doctor.json()["checks"].empty());
  check_shown(home.run({"verify", "--json"}));
  check_shown(home.run({"install", "--dry-run", "--json", "--offline", "--from", home.path()}));

  CHECK(home.run({"shutdown", "--wait", "10"}).exit_code == 0);
  const Finished served = daemon.finish();
  CHECK(served.exit_code == 0);
  CHECK_FALSE(find_invalid_utf8(served.err).has_value());
  CHECK(served.err.find("/h\\\\xff\"") != std::string::npos);  // A log line is JSON.
}

TEST_CASE("a daemon that a client starts in such a home writes its log in UTF-8", "[not_utf8]") {
  Home home("h\xff");
  CHECK(home.run({"embed", "text"}).exit_code == 0);
  CHECK_FALSE(find_invalid_utf8(home.daemon_log()).has_value());
  CHECK(home.daemon_log().find("h\\\\xff") != std::string::npos);
}

TEST_CASE("a model file whose name is not UTF-8 serves, and one that is missing is told",
          "[not_utf8]") {
  Home home;
  const std::string path = home.file("m\xff.gguf");
  const Finished direct = home.run({"embed", "--json", "--direct", "--model", path, "text"});
  CHECK(direct.exit_code == 71);
  check_shown(direct);
  CHECK(error_of(direct)["code"] == "MODEL_MISSING");
  const Finished served = home.run({"serve", "--model", path});
  CHECK(served.exit_code == 71);
  check_shown(served);
  std::filesystem::copy_file(RUNED_BUILTIN_MODEL, path);
  const Running daemon = home.serve({"--model", path});
  const auto [status, info] =
      OldClient(home).call<v1::InfoResponse>(kInfo, v1::InfoRequest());
  REQUIRE(status.ok());
  bool found = false;
  for (const auto& entry : info.config()) {
    found = found || (entry.key() == "model" && entry.value().ends_with("/m\\xff.gguf"));
  }
  CHECK(found);
  CHECK(home.status()["config"]["model"]["value"].get<std::string>().ends_with("/m\\xff.gguf"));
}

TEST_CASE("a setting or an argument that is not UTF-8 is told with escapes", "[not_utf8]") {
  for (const char* variable : {"RUNED_LLAMA_SERVER", "RUNED_MODEL", "RUNED_MODEL_VARIANT",
                               "RUNED_ENGINE", "RUNED_MANIFEST", "RUNED_CONFIG", "RUNED_CPU"}) {
    Home home;
    CAPTURE(variable);
    const std::string value = home.file("nothing\xff");
    if (std::string(variable) == "RUNED_CONFIG") write_text(value, "{");
    home.set(variable, value);
    const Finished done = home.run({"embed", "--json", "text"});
    if (done.exit_code != 0) {
      check_shown(done);
      CHECK_FALSE(error_of(done)["message"].get<std::string>().empty());
    }
    const Finished doctor = home.run({"doctor", "--json"});
    check_shown(doctor);
    CHECK_FALSE(find_invalid_utf8(home.run({"status", "--json"}).out).has_value());
  }
  Home home;
  for (const auto& arguments : {std::vector<std::string>{"embed", "--js\xff", "--json"},
                                std::vector<std::string>{"emb\xff"},
                                std::vector<std::string>{"serve", "--engine", "n\xff"},
                                std::vector<std::string>{"embed", "-f", "f\xff", "--json"}}) {
    const Finished done = home.run(arguments);
    CHECK(done.exit_code != 0);
    check_shown(done);
  }
}
