#include "support/running_stand_in.hpp"

#include <cmath>
#include <csignal>

#include "os/net/poll.hpp"
#include "support/real_llama_server.hpp"
#include "support/scoped_variable.hpp"

using runed::Json;
using runed::os::Child;
using runed::os::ExitStatus;
using runed::test::RunningStandIn;
using runed::test::ScopedVariable;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::write_stand_in;
using namespace std::chrono_literals;

namespace {

struct Reply {
  int status = 0;  // 0: none came.
  std::string body;

  Json json() const { return unwrap(runed::parse_json(body)); }
};

// One that is asked byte by byte, without a client of ours.
class StandIn : public RunningStandIn {
 public:
  using RunningStandIn::RunningStandIn;

  runed::os::Fd send(const std::string& path, const std::string& body) const {
    auto fd = unwrap(runed::os::dial_unix(socket(), 1s));
    unwrap(runed::os::write_all(
        fd.get(),
        fmt::format("POST {} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}", path,
                    body.size(), body)));
    return fd;
  }

  Reply ask(const std::string& path, const std::string& body) const {
    const auto fd = send(path, body);
    const auto answer = runed::os::read_all(fd.get());
    if (!answer.has_value() || answer->empty()) return {};
    return {std::stoi(answer->substr(9)), answer->substr(answer->find("\r\n\r\n") + 4)};
  }

  Reply embed(const std::string& input) const {
    return ask("/v1/embeddings", R"({"input":)" + input + "}");
  }

  ExitStatus ending() {
    const auto status = unwrap(child().wait(10s));
    REQUIRE(status.has_value());
    return *status;
  }
};

Json vector_of(const Reply& reply, size_t index) {
  return reply.json()["data"].at(index)["embedding"];
}

double norm(const Json& vector) {
  double squares = 0;
  for (const double value : vector) squares += value * value;
  return std::sqrt(squares);
}

}  // namespace

TEST_CASE("the stand-in answers the same unit vector for a text, alone and batched") {
  StandIn server({"dimension=32"});
  CHECK(server.ask("/health", "").json()["status"] == "ok");
  const Reply batch = server.embed("[[1,2,3],[7]]");
  const Reply alone = server.embed("[[7]]");
  REQUIRE(batch.status == 200);
  CHECK(vector_of(batch, 1) == vector_of(alone, 0));
  CHECK(vector_of(batch, 0) != vector_of(batch, 1));
  CHECK(vector_of(alone, 0).size() == 32);
  CHECK(norm(vector_of(alone, 0)) == Approx(1.0).margin(1e-6));
  CHECK(server.ask("/tokenize", R"({"content":"A","add_special":true})").json()["tokens"] ==
        Json{65, 256});
}

TEST_CASE("the stand-in answers base64 of little-endian floats") {
  StandIn server({"dimension=3"});
  const Reply reply = server.ask("/v1/embeddings", R"({"input":[[1]],"encoding_format":"base64"})");
  const std::string text = vector_of(reply, 0);
  CHECK(text.size() == 16);  // 12 bytes.
  CHECK(
      text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") ==
      std::string::npos);
}

TEST_CASE("the stand-in has each fault of its answers") {
  CHECK(StandIn({"garbage"}).embed("[[1]]").body.starts_with("<html>"));
  CHECK(vector_of(StandIn({"nan", "dimension=4"}).embed("[[1]]"), 0)[2].is_null());
  CHECK(norm(vector_of(StandIn({"zero-vector"}).embed("[[1]]"), 0)) == 0);
  CHECK(norm(vector_of(StandIn({"wrong-norm"}).embed("[[1]]"), 0)) == Approx(3.0));
  CHECK(StandIn({"too-few"}).embed("[[1],[2]]").json()["data"].size() == 1);
  CHECK(vector_of(StandIn({"wrong-dimension"}).embed("[[1]]"), 0).size() == 385);
  const Reply failed = StandIn({"status=500"}).embed("[[1]]");
  CHECK(failed.status == 500);
  CHECK(failed.json()["error"]["message"] == "the stand-in fails");
  CHECK(StandIn({"never-healthy"}).ask("/health", "").status == 503);
  const Reply cut = StandIn({"cut-body"}).embed("[[1]]");
  CHECK(cut.status == 200);
  CHECK_FALSE(runed::parse_json(cut.body).has_value());
}

TEST_CASE("the stand-in's faults can wait, or be for one text") {
  StandIn late({"garbage", "after=1"});
  CHECK(late.embed("[[1]]").json()["data"].size() == 1);
  CHECK(late.embed("[[1]]").body.starts_with("<html>"));
  StandIn choosy({"nan-on-token=9", "status-on-token=8", "dimension=4"});
  const Reply mixed = choosy.embed("[[1,9],[1,2]]");
  CHECK(vector_of(mixed, 0)[2].is_null());
  CHECK_FALSE(vector_of(mixed, 1)[2].is_null());
  CHECK(choosy.embed("[[1],[8]]").status == 500);
  CHECK(choosy.embed("[[1]]").status == 200);
}

TEST_CASE("the stand-in dies as told") {
  StandIn at_token({"crash-on-token=5"});
  CHECK(at_token.embed("[[1]]").status == 200);
  CHECK(at_token.embed("[[5]]").status == 0);
  CHECK(at_token.ending().signal == SIGABRT);
  StandIn by_fault({"segv-on-token=5"});
  CHECK(by_fault.embed("[[1],[4,5]]").status == 0);
  CHECK(by_fault.ending().signal == SIGSEGV);
  StandIn after({"crash-after=2"});
  CHECK(after.embed("[[1]]").status == 200);
  CHECK(after.embed("[[1]]").status == 200);
  CHECK(after.ending().signal == SIGABRT);
  StandIn told;
  CHECK(unwrap(told.child().stop(10s)).code == 0);
}

TEST_CASE("the stand-in hangs after so many answers, and lives on") {
  StandIn server({"hang-after=1"});
  CHECK(server.embed("[[1]]").status == 200);
  const auto fd = server.send("/health", "");
  CHECK_FALSE(runed::os::wait_readable(fd.get(), 100ms));
  CHECK_FALSE(unwrap(server.child().wait(0ms)).has_value());
}

TEST_CASE("the stand-in fails once and records every time") {
  const TempDir dir;
  const std::string record = dir / "record";
  const std::vector<std::string> modes{"record=" + record, "once=" + (dir / "failed"),
                                       "crash-on-request=1", "dimension=8"};
  StandIn first(modes);
  CHECK(first.embed("[[1,2]]").status == 0);
  StandIn second(modes);
  CHECK(second.embed("[[1,2]]").status == 200);
  const auto seen = runed::test::read_record(record);
  REQUIRE(seen.starts.size() == 2);
  CHECK(seen.starts[1]["pid"] == second.child().pid());
  CHECK(seen.starts[1]["arguments"] == Json{"--host", second.socket()});
  CHECK(seen.starts[1]["environment"].contains("PATH"));
  CHECK(seen.bodies("/v1/embeddings").size() == 2);
  CHECK(seen.bodies("/v1/embeddings")[0]["input"] == Json::array({{1, 2}}));
}

TEST_CASE("the stand-in of an old build has no Unix socket, and an unknown mode is no mode") {
  const TempDir dir;
  const auto ending = [&](const std::string& mode) {
    auto child = unwrap(Child::spawn(
        {.arguments = {write_stand_in(dir / "llama-server", {mode}), "--host", dir / "x.sock"}}));
    return unwrap(child.wait(10s));
  };
  CHECK(ending("old")->code == 1);
  CHECK(ending("olde")->code == 2);
  CHECK(ending("exits-at-once=3")->code == 3);
}

TEST_CASE("there is a llama-server to test with, or the tests say that there is none") {
  const auto path = runed::test::real_llama_server();
  if (!path) return;
  auto child = unwrap(Child::spawn({.arguments = {*path, "--list-devices"}}));
  CHECK(unwrap(child.wait(30s))->code == 0);
}
