#include "daemon/unreadable_request.hpp"

#include <grpcpp/server_builder.h>
#include <grpcpp/support/server_interceptor.h>

#include <memory>
#include <utility>
#include <vector>

namespace runed::daemon {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerInterceptorFactoryInterface;
using grpc::experimental::ServerRpcInfo;

class Refusing final : public Interceptor {
 public:
  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_MESSAGE)) {
      is_unreadable_ = methods->GetRecvMessage() == nullptr;
    }
    if (is_unreadable_ &&
        methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      methods->ModifySendStatus({grpc::StatusCode::INTERNAL, "the request cannot be read"});
    }
    methods->Proceed();
  }

 private:
  bool is_unreadable_ = false;
};

class Factory final : public ServerInterceptorFactoryInterface {
 public:
  // The end of a stream is told as a missing message, too.
  Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    return info->type() == ServerRpcInfo::Type::UNARY ? new Refusing : nullptr;
  }
};

}  // namespace

void refuse_unreadable_requests(grpc::ServerBuilder& builder) {
  std::vector<std::unique_ptr<ServerInterceptorFactoryInterface>> factories;
  factories.push_back(std::make_unique<Factory>());
  builder.experimental().SetInterceptorCreators(std::move(factories));
}

}  // namespace runed::daemon
