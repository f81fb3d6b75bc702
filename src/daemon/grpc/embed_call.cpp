#include "daemon/grpc/embed_call.hpp"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "daemon/api/api.hpp"
#include "daemon/grpc/error_status.hpp"
#include "daemon/grpc/message_bytes.hpp"
#include "daemon/grpc/wire.hpp"

namespace runed::daemon {
namespace {

namespace raw = v1::raw;

constexpr uint32_t kMostTextsOfABatch = 1024;
constexpr uint32_t kReplyBytes = 4 << 20;     // gRPC's default receive limit.
constexpr uint32_t kReplyOverhead = 1 << 10;  // Of the message.
// Of one embedding: tags, counts, the identity of the model, a set's version.
constexpr uint32_t kEmbeddingOverhead = 64 + kMostVersionBytes;

// What differs between a call for one text, for which somebody waits, and one for many.
struct EmbedOne {
  using Request = raw::EmbedRequest;
  static constexpr Priority kPriority = Priority::interactive;

  static size_t count_texts(const grpc::ByteBuffer& /*request*/) { return 1; }
  static std::vector<std::string> take_texts(Request& request) {
    return {std::move(*request.mutable_text())};
  }
  static void write_reply(const std::vector<Embedding>& embeddings, const Origin& origin,
                          grpc::ByteBuffer& reply) {
    v1::EmbedResponse response;
    fill(embeddings.front(), origin, response);
    write_message(response, reply);
  }
};

struct EmbedMany {
  using Request = raw::EmbedBatchRequest;
  static constexpr Priority kPriority = Priority::bulk;

  static size_t count_texts(const grpc::ByteBuffer& request) {
    return count_field(request, Request::kTextsFieldNumber);
  }
  static std::vector<std::string> take_texts(Request& request) {
    return {std::make_move_iterator(request.mutable_texts()->begin()),
            std::make_move_iterator(request.mutable_texts()->end())};
  }
  static void write_reply(const std::vector<Embedding>& embeddings, const Origin& origin,
                          grpc::ByteBuffer& reply) {
    v1::EmbedBatchResponse response;
    response.mutable_embeddings()->Reserve(static_cast<int>(embeddings.size()));
    for (const auto& embedding : embeddings) fill(embedding, origin, *response.add_embeddings());
    write_message(response, reply);
  }
};

// Of a model that was not loaded yet the dimension is not known before the reply.
Status check_batch_size(size_t texts, std::optional<uint32_t> dimension) {
  const uint32_t most = dimension.has_value() ? max_batch_size(*dimension) : kMostTextsOfABatch;
  if (texts <= most) return {};
  return make_error(ErrorCode::batch_too_large, "the batch has {} texts, {} are allowed", texts,
                    most)
      .with(fact::kTexts, texts)
      .with(fact::kLimit, most);
}

// One call. gRPC keeps it until OnDone, which follows Finish; Finish is called once, by the answer.
template <typename Kind>
class EmbedCall final : public grpc::ServerUnaryReactor {
 public:
  explicit EmbedCall(grpc::ByteBuffer& reply) : reply_(reply) {}

  EmbedAnswer make_answer() { return EmbedAnswer(std::make_unique<ToCaller>(*this)); }

  // Reads the request and hands it on, or answers it.
  void start(Api& api, const grpc::ByteBuffer& bytes, EmbedAnswer answer) {
    typename Kind::Request request;
    EmbedOptions options;
    if (Status taken = take(api, bytes, request, options); !taken) {
      answer.give(std::move(taken).error());
      return;
    }
    // One without texts, too: it wakes the model, as the predecessor's did.
    api.embed(admitted_.model, {.texts = Kind::take_texts(request),
                                .options = std::move(options),
                                .priority = Kind::kPriority,
                                .route = admitted_.route,
                                .answer = std::move(answer)});
  }

 private:
  class ToCaller final : public EmbedReceiver {
   public:
    explicit ToCaller(EmbedCall& call) : call_(call) {}

    void receive(Result<std::vector<Embedding>> result) override { call_.reply(result); }
    void drop() noexcept override { call_.Finish(std::move(call_.lost_)); }
    bool is_cancelled() const noexcept override { return call_.cancelled_; }

   private:
    EmbedCall& call_;
  };

  Status take(Api& api, const grpc::ByteBuffer& bytes, typename Kind::Request& request,
              EmbedOptions& options) {
    TRY(check_size(bytes));
    const size_t texts = Kind::count_texts(bytes);
    if (texts > kMostTextsOfABatch) {  // Not even read: each would be an object.
      TRY(api.check_state());
      return check_batch_size(texts, dimension_of(*api.default_model()));
    }
    TRY(read_message(bytes, request));
    TRY(check_utf8("model", request.model()));
    TRY_ASSIGN(admitted_, api.admit(request.model(), request.with_route()));
    TRY_ASSIGN(options, read_options(request));
    return check_batch_size(texts, dimension_of(*admitted_.model));
  }

  void reply(const Result<std::vector<Embedding>>& result) {
    Status written = result ? write(*result) : Status(result.error());
    Finish(written ? grpc::Status::OK : to_status(written.error()));
  }

  Status write(const std::vector<Embedding>& embeddings) {
    TRY(check_batch_size(embeddings.size(), dimension_of(*admitted_.model)));
    Kind::write_reply(embeddings, origin_of(admitted_), reply_);
    return {};
  }

  void OnCancel() override { cancelled_ = true; }
  void OnDone() override { delete this; }

  grpc::ByteBuffer& reply_;
  Api::Admitted admitted_;
  std::atomic<bool> cancelled_{false};
  grpc::Status lost_ = lost_status();
};

// The last catch of a call. Once it has an answer it has been told; before, gRPC has a reactor ready
// that needs no memory.
template <typename Kind>
grpc::ServerUnaryReactor* start_call(Api& api, grpc::CallbackServerContext& context,
                                     const grpc::ByteBuffer& request, grpc::ByteBuffer& reply) {
  EmbedCall<Kind>* started = nullptr;
  try {
    auto call = std::make_unique<EmbedCall<Kind>>(reply);
    EmbedAnswer answer = call->make_answer();
    started = call.release();
    started->start(api, request, std::move(answer));
  } catch (const std::exception&) {
  }
  return started != nullptr ? started : finish_lost(context);
}

}  // namespace

uint32_t max_batch_size(uint32_t dimension) {
  const uint32_t fitting =
      (kReplyBytes - kReplyOverhead) / (dimension * uint32_t{sizeof(float)} + kEmbeddingOverhead);
  return std::clamp(fitting, uint32_t{1}, kMostTextsOfABatch);
}

grpc::ServerUnaryReactor* start_embed(Api& api, grpc::CallbackServerContext& context,
                                      const grpc::ByteBuffer& request, grpc::ByteBuffer& reply) {
  return start_call<EmbedOne>(api, context, request, reply);
}

grpc::ServerUnaryReactor* start_embed_batch(Api& api, grpc::CallbackServerContext& context,
                                            const grpc::ByteBuffer& request,
                                            grpc::ByteBuffer& reply) {
  return start_call<EmbedMany>(api, context, request, reply);
}

}  // namespace runed::daemon
