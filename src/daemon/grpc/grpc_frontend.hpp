#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "daemon/api/frontend.hpp"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace runed::daemon {

/// gRPC: runed.v1.RunedService, and the standard services for health and reflection.
class GrpcFrontend final : public Frontend {
 public:
  GrpcFrontend();
  ~GrpcFrontend() override;

  void start(Api& api) override;
  Claim judge(std::string_view first_bytes) const override;
  void take(os::Fd connection) override;
  void publish_health() override;
  void end(std::chrono::milliseconds flush_time) override;

 private:
  std::unique_ptr<grpc::Service> service_;
  std::mutex health_mutex_;  // Guards told_healthy_, and the next two as seen by publish_health.
  Api* api_ = nullptr;
  std::unique_ptr<grpc::Server> server_;
  std::optional<bool> told_healthy_;
};

}  // namespace runed::daemon
