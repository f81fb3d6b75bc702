#include "client/stream_call.hpp"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "client/error_status.hpp"
#include "runed/v1/runed.grpc.pb.h"

namespace runed::client {
namespace {

constexpr std::chrono::milliseconds kLongestStep{10'000};  // To begin or to give up a call.

v1::EmbedStreamRequest to_wire(const EmbedOptions& options, const std::string& model) {
  v1::EmbedStreamRequest request;
  v1::EmbedOptions& wire = *request.mutable_options();
  wire.set_input_type(options.input_type == InputType::query      ? v1::INPUT_TYPE_QUERY
                      : options.input_type == InputType::document ? v1::INPUT_TYPE_DOCUMENT
                                                                  : v1::INPUT_TYPE_UNSPECIFIED);
  wire.set_model(model);
  wire.set_instruction(options.instruction);
  wire.set_prompt_name(options.prompt_name);
  wire.set_dimensions(options.dimensions);
  wire.set_truncate(options.truncate == Truncate::right  ? v1::TRUNCATE_RIGHT
                    : options.truncate == Truncate::left ? v1::TRUNCATE_LEFT
                                                         : v1::TRUNCATE_ERROR);
  return request;
}

Result<Embedding> from_wire(const v1::EmbedStreamResponse& response) {
  if (response.has_error()) return to_error(response.error());
  if (!response.has_embedding()) {
    return make_error(ErrorCode::internal, "the daemon sent neither a vector nor an error");
  }
  const v1::EmbedResponse& wire = response.embedding();
  return Embedding{.vector = {wire.vector().begin(), wire.vector().end()},
                   .token_count = wire.token_count(),
                   .tokens_dropped = wire.tokens_dropped(),
                   .norm = wire.norm()};
}

}  // namespace

// The synchronous API: reading and writing one call from two threads is what it allows.
struct StreamCall::State {
  struct Outgoing {
    uint64_t id = 0;
    std::shared_ptr<const std::string> text;
  };

  explicit State(const std::shared_ptr<grpc::Channel>& channel, os::Wakeup& to_wake)
      : stub(v1::RunedService::NewStub(channel)), wakeup(to_wake) {}

  void write(const EmbedOptions& options, const std::string& model);
  void read();
  void add_answer(Answer answer);

  std::unique_ptr<v1::RunedService::Stub> stub;
  os::Wakeup& wakeup;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReaderWriter<v1::EmbedStreamRequest, v1::EmbedStreamResponse>> stream;

  std::mutex mutex;  // Guards what follows.
  std::condition_variable has_work;
  std::deque<Outgoing> outgoing;
  bool is_closed = false;  // No more texts.
  std::vector<Answer> answers;
  std::optional<Status> end;

  std::thread writer;
  std::thread reader;
};

// A write that is not the last of those that wait is held back by gRPC, to share a packet.
void StreamCall::State::write(const EmbedOptions& options, const std::string& model) {
  grpc::WriteOptions hint;
  hint.set_buffer_hint();
  if (!stream->Write(to_wire(options, model), hint)) return;
  while (true) {
    Outgoing next;
    bool is_last = false;
    {
      std::unique_lock lock(mutex);
      has_work.wait(lock, [this] { return !outgoing.empty() || is_closed || end.has_value(); });
      if (end.has_value()) return;
      if (outgoing.empty()) break;
      next = std::move(outgoing.front());
      outgoing.pop_front();
      is_last = outgoing.empty();
    }
    v1::EmbedStreamRequest request;
    request.mutable_item()->set_id(next.id);
    request.mutable_item()->set_text(*next.text);
    next.text.reset();
    if (!stream->Write(request, is_last ? grpc::WriteOptions() : hint))
      return;  // `read` tells why.
  }
  stream->WritesDone();
}

void StreamCall::State::read() {
  Status how;
  try {
    v1::EmbedStreamResponse response;
    while (stream->Read(&response)) add_answer({response.id(), from_wire(response)});
    const grpc::Status status = stream->Finish();
    if (!status.ok()) how = to_error(status);
  } catch (const std::exception& fault) {  // Out of memory.
    how = make_error(ErrorCode::internal, "cannot read the daemon's answers: {}", fault.what());
  }
  const std::lock_guard lock(mutex);
  end = std::move(how);
  has_work.notify_one();
  wakeup.notify();
}

void StreamCall::State::add_answer(Answer answer) {
  const std::lock_guard lock(mutex);
  answers.push_back(std::move(answer));
  if (answers.size() == 1) wakeup.notify();
}

StreamCall::StreamCall(const std::shared_ptr<grpc::Channel>& channel, const EmbedOptions& options,
                       const std::string& model, os::Wakeup& wakeup, TimeLimit& limit)
    : limit_(limit), state_(std::make_unique<State>(channel, wakeup)) {
  const TimeLimit::Step step(limit_, kLongestStep);
  state_->stream = state_->stub->EmbedStream(&state_->context);
  try {
    state_->writer = std::thread([state = state_.get(), options, model] { state->write(options, model); });
    state_->reader = std::thread([state = state_.get()] { state->read(); });
  } catch (const std::system_error&) {
    end();
    throw;
  }
}

StreamCall::~StreamCall() {
  const TimeLimit::Step step(limit_, kLongestStep);
  end();
  state_.reset();
}

void StreamCall::end() {
  close();
  {
    const std::lock_guard lock(state_->mutex);
    state_->outgoing.clear();
  }
  state_->context.TryCancel();
  for (std::thread* thread : {&state_->writer, &state_->reader}) {
    if (thread->joinable()) thread->join();
  }
}

void StreamCall::send(uint64_t id, std::shared_ptr<const std::string> text) {
  const std::lock_guard lock(state_->mutex);
  state_->outgoing.push_back({id, std::move(text)});
  state_->has_work.notify_one();
}

void StreamCall::close() {
  const std::lock_guard lock(state_->mutex);
  state_->is_closed = true;
  state_->has_work.notify_one();
}

StreamCall::Taken StreamCall::take() {
  const std::lock_guard lock(state_->mutex);
  return {std::exchange(state_->answers, {}), state_->end};
}

}  // namespace runed::client
