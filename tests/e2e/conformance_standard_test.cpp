// The standard services, which the predecessor did not have (B-071): grpc.health.v1 follows the
// state, and reflection shows the contract, which must hold the predecessor's.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <csignal>
#include <future>
#include <set>

#include "install_support.hpp"
#include "raw_client.hpp"
#include "stand_in_home.hpp"
#include "standard.pb.h"
#include "support/eventually.hpp"

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::EnumDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorProto;
using runed::test::check_health;
using runed::test::eventually;
using runed::test::held_body;
using runed::test::Home;
using runed::test::kService;
using runed::test::Mirror;
using runed::test::OldClient;
using runed::test::RawStream;
using runed::test::Running;
using runed::test::StandInHome;
using namespace std::chrono_literals;

namespace old = predecessor::v1;
using Health = old::HealthResponse;
using standard::HealthCheckResponse;

namespace {

class Watch {
 public:
  Watch(const OldClient& client, const std::string& service)
      : stream_(client.stream("/grpc.health.v1.Health/Watch")) {
    standard::HealthCheckRequest request;
    request.set_service(service);
    stream_.write_last(request.SerializeAsString());
  }

  // The name of the next status; empty when the stream has ended.
  std::string next() {
    const auto bytes = stream_.read();
    if (!bytes.has_value()) return {};
    HealthCheckResponse response;
    REQUIRE(response.ParseFromString(*bytes));
    return HealthCheckResponse::ServingStatus_Name(response.status());
  }

 private:
  RawStream stream_;
};

standard::ServerReflectionResponse reflect(const OldClient& client,
                                           const standard::ServerReflectionRequest& request) {
  RawStream stream =
      client.stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
  stream.write_last(request.SerializeAsString());
  standard::ServerReflectionResponse response;
  const auto bytes = stream.read();
  REQUIRE(bytes.has_value());
  REQUIRE(response.ParseFromString(*bytes));
  return response;
}

// The contract as the daemon tells it, with what it imports, in `pool`.
const FileDescriptor* contract(const OldClient& client, DescriptorPool& pool) {
  standard::ServerReflectionRequest request;
  request.set_file_containing_symbol(kService);
  const auto response = reflect(client, request);
  std::vector<FileDescriptorProto> files;
  for (const auto& bytes : response.file_descriptor_response().file_descriptor_proto()) {
    REQUIRE(files.emplace_back().ParseFromString(bytes));
  }
  const FileDescriptor* found = nullptr;
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    const FileDescriptor* built = pool.BuildFile(*file);
    REQUIRE(built != nullptr);
    if (built->package() == "runed.v1") found = built;
  }
  REQUIRE(found != nullptr);
  return found;
}

std::string type_of(const google::protobuf::FieldDescriptor& field) {
  if (field.message_type() != nullptr) return field.message_type()->name();
  return field.enum_type() != nullptr ? field.enum_type()->name() : field.type_name();
}

void check_holds(const Descriptor& ours, const Descriptor& theirs) {
  CAPTURE(theirs.name());
  for (int i = 0; i < theirs.field_count(); ++i) {
    const auto& field = *theirs.field(i);
    CAPTURE(field.name());
    const auto* same = ours.FindFieldByNumber(field.number());
    REQUIRE(same != nullptr);
    CHECK(same->name() == field.name());
    CHECK(type_of(*same) == type_of(field));
    CHECK(same->is_repeated() == field.is_repeated());
    CHECK(same->is_packed() == field.is_packed());
    CHECK((same->containing_oneof() == nullptr) == (field.containing_oneof() == nullptr));
  }
  for (int i = 0; i < ours.field_count(); ++i) {
    const auto& field = *ours.field(i);
    CAPTURE(field.name());
    CHECK((field.number() >= 101 || theirs.FindFieldByNumber(field.number()) != nullptr));
  }
}

void check_same_values(const EnumDescriptor& ours, const EnumDescriptor& theirs) {
  CAPTURE(theirs.name());
  CHECK(ours.value_count() == theirs.value_count());  // A value more would be UNSPECIFIED there.
  for (int i = 0; i < theirs.value_count(); ++i) {
    const auto* same = ours.FindValueByNumber(theirs.value(i)->number());
    REQUIRE(same != nullptr);
    CHECK(same->name() == theirs.value(i)->name());
  }
}

}  // namespace

TEST_CASE("a service that is not there has no health", "[conformance]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  CHECK(check_health(client, "runed.v1.Other").status.error_code() == grpc::StatusCode::NOT_FOUND);
  CHECK(Watch(client, "runed.v1.Other").next() == "SERVICE_UNKNOWN");
}

TEST_CASE("whoever watches the health is told each change", "[conformance]") {
  Mirror mirror;
  std::promise<void> all_watch;
  mirror.server.reply("/tiny.gguf",
                      {.body = held_body(mirror.small, 0, all_watch.get_future().share())});
  Home home;
  home.set("RUNED_MANIFEST", mirror.manifest_url());
  home.set("RUNED_IDLE_TIMEOUT", "200ms");
  Running daemon = home.start({"serve"});
  const OldClient client(home);
  Watch all(client, "");
  Watch service(client, kService);
  CHECK(all.next() == "NOT_SERVING");  // LOADING.
  CHECK(service.next() == "NOT_SERVING");
  all_watch.set_value();
  CHECK(all.next() == "SERVING");
  CHECK(service.next() == "SERVING");
  client.wait_for(Health::STATUS_IDLE);  // It serves, so nothing is told.
  CHECK(client.embed("text").status.ok());
  CHECK(client.shut_down().status.ok());
  CHECK(all.next() == "NOT_SERVING");
  CHECK(service.next() == "NOT_SERVING");
  CHECK(all.next().empty());
  CHECK(daemon.finish().exit_code == 0);
}

TEST_CASE("whoever watches the health is told of an engine that is lost and found",
          "[conformance]") {
  StandInHome home({"crash-on-token=" + std::to_string('#'), "loads-for=300"});
  const Running daemon = home.serve();
  const OldClient client(home);
  Watch watch(client, kService);
  CHECK(watch.next() == "SERVING");
  CHECK_FALSE(client.embed("#").status.ok());
  CHECK(watch.next() == "NOT_SERVING");
  CHECK(watch.next() == "SERVING");
  CHECK(client.embed("good").status.ok());
}

TEST_CASE("a daemon does not wait for those who watch it", "[conformance]") {
  Home home;
  Running daemon = home.serve();
  const OldClient client(home);
  Watch watch(client, kService);
  CHECK(watch.next() == "SERVING");  // And it reads no more.
  const auto begin = std::chrono::steady_clock::now();
  CHECK(client.shut_down().status.ok());
  CHECK(daemon.finish().exit_code == 0);
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
}

TEST_CASE("reflection names the services", "[conformance]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  standard::ServerReflectionRequest request;
  request.set_list_services("");
  std::set<std::string> names;
  const auto listed = reflect(client, request);
  for (const auto& service : listed.list_services_response().service()) {
    names.insert(service.name());
  }
  CHECK(names.contains(kService));
  CHECK(names.contains("grpc.health.v1.Health"));
  CHECK(names.contains("grpc.reflection.v1alpha.ServerReflection"));
  request.set_file_containing_symbol("runed.v1.Nobody");
  CHECK(reflect(client, request).error_response().error_code() == grpc::StatusCode::NOT_FOUND);
}

TEST_CASE("the contract that reflection shows holds the predecessor's, number by number",
          "[conformance]") {
  Home home;
  const Running daemon = home.serve();
  const OldClient client(home);
  DescriptorPool pool;
  const FileDescriptor& ours = *contract(client, pool);
  const FileDescriptor& theirs = *old::EmbedRequest::descriptor()->file();
  REQUIRE(theirs.message_type_count() == 15);
  for (int i = 0; i < theirs.message_type_count(); ++i) {
    const Descriptor& message = *theirs.message_type(i);
    const Descriptor* same = ours.FindMessageTypeByName(message.name());
    CAPTURE(message.name());
    REQUIRE(same != nullptr);
    check_holds(*same, message);
    for (int k = 0; k < message.enum_type_count(); ++k) {
      const auto* values = same->FindEnumTypeByName(message.enum_type(k)->name());
      REQUIRE(values != nullptr);
      check_same_values(*values, *message.enum_type(k));
    }
  }
  const auto& service = *theirs.FindServiceByName("RunedService");
  REQUIRE(service.method_count() == 6);
  for (int i = 0; i < service.method_count(); ++i) {
    const auto& method = *service.method(i);
    CAPTURE(method.name());
    const auto* same = ours.FindServiceByName("RunedService")->FindMethodByName(method.name());
    REQUIRE(same != nullptr);
    CHECK(same->input_type()->name() == method.input_type()->name());
    CHECK(same->output_type()->name() == method.output_type()->name());
    CHECK(same->client_streaming() == method.client_streaming());
    CHECK(same->server_streaming() == method.server_streaming());
  }
}
