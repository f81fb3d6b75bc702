#include "daemon/grpc/rerank_call.hpp"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <exception>
#include <iterator>
#include <memory>
#include <utility>

#include "daemon/api/api.hpp"
#include "daemon/grpc/error_status.hpp"
#include "daemon/grpc/message_bytes.hpp"
#include "daemon/grpc/wire.hpp"
#include "embed/rerank_request.hpp"

namespace runed::daemon {
namespace {

namespace raw = v1::raw;

// A user waits for the order of what a search has found. More than that is work.
constexpr size_t kMostInteractiveDocuments = 100;

Status check_documents(size_t documents) {
  if (documents == 0) {
    return make_error(ErrorCode::invalid_argument, "the request has no documents")
        .with(fact::kField, "documents");
  }
  if (documents <= kMostDocuments) return {};
  return make_error(ErrorCode::batch_too_large, "the request has {} documents, {} are allowed",
                    documents, kMostDocuments)
      .with(fact::kTexts, documents)
      .with(fact::kLimit, kMostDocuments);
}

// A query is one of the texts of each pair, and no text that is bad by itself has an index.
Status check_query(const std::string& query) {
  TRY(check_utf8("query", query));
  if (!query.empty()) return {};
  return make_error(ErrorCode::empty_text, "the query is empty").with(fact::kField, "query");
}

// One call. gRPC keeps it until OnDone, which follows Finish; Finish is called once, by the answer.
class RerankCall final : public grpc::ServerUnaryReactor {
 public:
  explicit RerankCall(grpc::ByteBuffer& reply) : reply_(reply) {}

  EmbedAnswer make_answer() { return EmbedAnswer(std::make_unique<ToCaller>(*this)); }

  // Reads the request and hands it on, or answers it.
  void start(Api& api, const grpc::ByteBuffer& bytes, EmbedAnswer answer) {
    raw::RerankRequest request;
    EmbedOptions options;
    if (Status taken = take(api, bytes, request, options); !taken) {
      answer.give(std::move(taken).error());
      return;
    }
    auto& documents = *request.mutable_documents();
    const bool is_small = static_cast<size_t>(documents.size()) <= kMostInteractiveDocuments;
    api.embed(admitted_.model, {.texts = {std::make_move_iterator(documents.begin()),
                                          std::make_move_iterator(documents.end())},
                                .query = std::move(*request.mutable_query()),
                                .options = std::move(options),
                                .priority = is_small ? Priority::interactive : Priority::bulk,
                                .route = nullptr,
                                .answer = std::move(answer)});
  }

 private:
  class ToCaller final : public EmbedReceiver {
   public:
    explicit ToCaller(RerankCall& call) : call_(call) {}

    void receive(Result<std::vector<Embedding>> result) override { call_.reply(result); }
    void drop() noexcept override { call_.Finish(std::move(call_.lost_)); }
    bool is_cancelled() const noexcept override { return call_.cancelled_; }

   private:
    RerankCall& call_;
  };

  Status take(Api& api, const grpc::ByteBuffer& bytes, raw::RerankRequest& request,
              EmbedOptions& options) {
    TRY(check_size(bytes));
    const size_t documents = count_field(bytes, raw::RerankRequest::kDocumentsFieldNumber);
    if (documents > kMostDocuments) {  // Not even read: each would be an object.
      TRY(api.check_state());
      return check_documents(documents);
    }
    TRY(read_message(bytes, request));
    TRY(check_utf8("model", request.model()));
    TRY_ASSIGN(admitted_, api.admit(request.model(), false));
    TRY_ASSIGN(options, read_options(request));
    TRY(check_query(request.query()));
    top_n_ = request.top_n();
    scale_ = request.raw_scores() ? ScoreScale::raw : ScoreScale::unit;
    return check_documents(documents);
  }

  void reply(const Result<std::vector<Embedding>>& result) {
    if (!result) {
      Finish(to_status(result.error()));
      return;
    }
    v1::RerankResponse response;
    response.set_model_identity(origin_of(admitted_).model_identity);
    for (const RankedDocument& document : embed::rank_documents(*result, scale_, top_n_)) {
      v1::RankedDocument& message = *response.add_results();
      message.set_index(document.index);
      message.set_score(document.score);
      message.set_token_count(document.token_count);
      message.set_tokens_dropped(document.tokens_dropped);
    }
    write_message(response, reply_);
    Finish(grpc::Status::OK);
  }

  void OnCancel() override { cancelled_ = true; }
  void OnDone() override { delete this; }

  grpc::ByteBuffer& reply_;
  Api::Admitted admitted_;
  uint32_t top_n_ = 0;
  ScoreScale scale_ = ScoreScale::unit;
  std::atomic<bool> cancelled_{false};
  grpc::Status lost_ = lost_status();
};

}  // namespace

// The last catch of a call, as in embed_call.cpp.
grpc::ServerUnaryReactor* start_rerank(Api& api, grpc::CallbackServerContext& context,
                                       const grpc::ByteBuffer& request, grpc::ByteBuffer& reply) {
  RerankCall* started = nullptr;
  try {
    auto call = std::make_unique<RerankCall>(reply);
    EmbedAnswer answer = call->make_answer();
    started = call.release();
    started->start(api, request, std::move(answer));
  } catch (const std::exception&) {
  }
  return started != nullptr ? started : finish_lost(context);
}

}  // namespace runed::daemon
