// Any bytes as a request. What protobuf reads as the published message, the copy with bytes in place of
// strings reads too, and as the same; what only the copy reads has a text that is not UTF-8.

#include <grpcpp/impl/grpc_library.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <string>

#include "base/check.hpp"
#include "base/text.hpp"
#include "daemon/grpc/message_bytes.hpp"
#include "daemon/grpc/wire.hpp"

namespace v1 = runed::v1;
namespace raw = runed::v1::raw;
using runed::daemon::read_message;
using runed::daemon::read_options;

namespace {

bool is_utf8(const std::string& text) {
  return !runed::find_invalid_utf8(text).has_value();
}

bool is_utf8(const raw::EmbedRequest& request) {
  return is_utf8(request.text()) && is_utf8(request.instruction()) &&
         is_utf8(request.prompt_name());
}

bool is_utf8(const raw::EmbedBatchRequest& request) {
  bool all = is_utf8(request.instruction()) && is_utf8(request.prompt_name());
  for (const auto& text : request.texts()) all = all && is_utf8(text);
  return all;
}

bool is_utf8(const raw::EmbedStreamRequest& request) {
  return is_utf8(request.item().text()) && is_utf8(request.options().instruction()) &&
         is_utf8(request.options().prompt_name());
}

template <typename Raw, typename Published>
void compare(const std::string& bytes) {
  static const grpc::internal::GrpcLibraryInitializer library;  // A slice needs it.
  const grpc::Slice slice(bytes);
  Raw request;
  const bool is_read = read_message(grpc::ByteBuffer(&slice, 1), request).has_value();
  Published published;
  // Of several spellings of one field only the last counts, so UTF-8 is asked of the result.
  if (published.ParseFromString(bytes)) {
    CHECK(is_read && is_utf8(request));
    Published same;  // What is not known is spelt in other ways.
    CHECK(same.ParseFromString(request.SerializeAsString()));
    CHECK(same.SerializeAsString() == published.SerializeAsString());
  } else if (is_read && is_utf8(request)) {
    Published again;
    CHECK(again.ParseFromString(request.SerializeAsString()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  compare<raw::EmbedRequest, v1::EmbedRequest>(bytes);
  compare<raw::EmbedBatchRequest, v1::EmbedBatchRequest>(bytes);
  compare<raw::EmbedStreamRequest, v1::EmbedStreamRequest>(bytes);
  raw::EmbedRequest request;
  if (request.ParseFromString(bytes)) {
    const auto options = read_options(request);
    CHECK(!options || (is_utf8(options->instruction) && is_utf8(options->prompt_name)));
  }
  return 0;
}
