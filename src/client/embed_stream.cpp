// Client::embed_stream. One thread reads the source, delivers results and waits for either; the
// call's own threads only move bytes. So nothing here waits for the daemon while it holds results, and
// neither a sink nor a source that stands still stops the daemon's answers from being received: there
// is room for all of a window.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "client/client.hpp"
#include "client/stream_call.hpp"
#include "client/text_window.hpp"
#include "os/net/poll.hpp"
#include "os/net/wakeup.hpp"
#include "os/process/process.hpp"

namespace runed::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kQueuePause{100};  // Where the daemon does not say how long.
constexpr seconds kLongestQueuePause{30};
constexpr milliseconds kLongestEnd{2000};  // Of a daemon that is ending when it is reached.
constexpr milliseconds kEndTimeout{2000};  // Of a call in which everything is answered.

bool means_gone(const Error& error) {
  return error.code == ErrorCode::unavailable || error.code == ErrorCode::shutting_down;
}

milliseconds queue_pause(const Error& error) {
  const auto* const asked = error.facts.find(fact::kRetryAfter);
  if (asked == nullptr) return kQueuePause;
  return std::clamp(std::chrono::ceil<milliseconds>(*asked), kQueuePause,
                    milliseconds(kLongestQueuePause));
}

}  // namespace

class Client::Stream {
 public:
  Stream(Client& client, const EmbedOptions& options, const std::string& model_identity,
         TextSource& source, ResultSink& sink)
      : client_(client),
        options_(options),
        model_identity_(model_identity),
        source_(source),
        sink_(sink) {}

  Status run();

 private:
  Status take_answers();
  Status answer(StreamCall::Answer answer);
  Status deliver();
  Status fill();
  void send();
  Status recover(Error error);
  Status prepare_daemon();
  Status check_model();
  Status wait();
  void end_call();

  Client& client_;
  const EmbedOptions& options_;
  const std::string& model_identity_;
  TextSource& source_;
  ResultSink& sink_;

  os::Wakeup wakeup_;  // Before the call, which uses it.
  TextWindow window_;
  std::optional<StreamCall> call_;
  std::optional<Error> call_fault_;  // Why there is no use in going on with this call.
  TextSource::State source_state_ = TextSource::State::text;
  SteadyTime send_after_;
  bool is_first_try_ = true;  // There were results since the last reconnection.
};

Status Client::Stream::run() {
  client_.note_progress();
  call_.emplace(client_.channel(), options_, client_.model_, wakeup_, *client_.limit_);
  while (true) {
    TRY(take_answers());
    TRY(deliver());
    TRY(fill());
    if (window_.is_empty() && source_state_ == TextSource::State::ended) break;
    if (call_fault_.has_value() && window_.is_waiting()) {  // A pause needs no daemon.
      TRY(recover(*std::exchange(call_fault_, std::nullopt)));
      continue;
    }
    send();
    TRY(wait());
  }
  end_call();
  return check_model();
}

Status Client::Stream::take_answers() {
  wakeup_.clear();
  auto taken = call_->take();
  for (auto& one : taken.answers) TRY(answer(std::move(one)));
  if (taken.end.has_value() && !call_fault_.has_value()) {
    call_fault_ = *taken.end ? make_error(ErrorCode::unavailable, "the daemon ended the call")
                             : std::move(*taken.end).error();
  }
  return {};
}

Status Client::Stream::answer(StreamCall::Answer answer) {
  if (!answer.result) {
    Error& error = answer.result.error();
    if (error.code == ErrorCode::queue_full) {
      send_after_ = std::chrono::steady_clock::now() + queue_pause(error);
      return window_.send_again(answer.id);
    }
    if (means_gone(error) || error.code == ErrorCode::bootstrapping) {
      call_fault_ = std::move(error);
      return window_.send_again(answer.id);
    }
    // Of the texts of one call, where the error is about a text at all.
    if (error.facts.has(fact::kIndex)) error.facts.set(fact::kIndex, answer.id);
  }
  client_.note_progress();
  is_first_try_ = true;
  return window_.answer(answer.id, std::move(answer.result));
}

// A sink may take long, if whoever reads from it does: that is not the daemon's silence.
Status Client::Stream::deliver() {
  bool has_delivered = false;
  while (auto result = window_.take_next()) {
    if (!*result) return std::move(*result).error();
    TRY(sink_.take(**std::move(result)));
    has_delivered = true;
  }
  if (has_delivered) client_.note_progress();
  return {};
}

Status Client::Stream::fill() {
  const bool was_waiting = window_.is_waiting();
  while (source_state_ != TextSource::State::ended && window_.has_room()) {
    auto next = source_.next();
    if (!next) {
      window_.add_fault(std::move(next).error());
      source_state_ = TextSource::State::ended;
      return deliver();
    }
    source_state_ = next->state;
    if (next->state != TextSource::State::text) break;
    window_.add(std::move(next->text));
  }
  if (!was_waiting && window_.is_waiting()) client_.note_progress();
  if (window_.is_empty() && source_state_ == TextSource::State::pending) return sink_.on_pause();
  return {};
}

void Client::Stream::send() {
  if (std::chrono::steady_clock::now() < send_after_) return;
  while (auto next = window_.take_unsent()) call_->send(next->id, std::move(next->text));
}

// One try without a result in between: more would hide a text that ends every daemon. Reaching a
// daemon that is still on its way out is no try.
Status Client::Stream::recover(Error error) {
  call_.reset();
  window_.send_all_again();
  const int gone = client_.daemon_pid();
  while (error.code != ErrorCode::queue_full) {
    const bool is_loading = error.code == ErrorCode::bootstrapping;
    if (!is_loading) {
      if (!means_gone(error) || client_.options_.start != StartPolicy::on_demand ||
          !is_first_try_) {
        return client_.explain(std::move(error));
      }
      TRY(client_.reconnect());
    }
    Status ready = prepare_daemon();
    if (ready) {
      is_first_try_ = is_loading && is_first_try_;
      break;
    }
    const bool is_ending =
        client_.daemon_pid() == gone ||
        (ready.error().code == ErrorCode::shutting_down && !client_.started_daemon());
    if (is_ending && !is_loading) {
      os::wait_for_exit(client_.daemon_pid(), kLongestEnd);
    } else {
      is_first_try_ = is_loading && is_first_try_;
    }
    error = std::move(ready).error();
  }
  if (error.code == ErrorCode::queue_full) {
    send_after_ = std::chrono::steady_clock::now() + queue_pause(error);
  }
  call_.emplace(client_.channel(), options_, client_.model_, wakeup_, *client_.limit_);
  return {};
}

Status Client::Stream::prepare_daemon() {
  TRY(client_.wait_ready_once());
  return check_model();
}

// A model file that was written over, or another daemon: whose vectors they are is not known then. A
// daemon that has ended since, having answered everything, is no fault.
Status Client::Stream::check_model() {
  auto info = client_.info_once();
  if (!info) return window_.is_empty() ? Status() : std::move(info).error();
  if (info->model_identity == model_identity_) return {};
  if (info->model_identity.empty()) {  // Of one that is loading, when all is answered.
    if (window_.is_empty()) return {};
    return make_error(ErrorCode::unavailable, "the daemon does not tell which model it serves");
  }
  return make_error(ErrorCode::model_mismatch, "the model changed from '{}' to '{}' on the way",
                    model_identity_, info->model_identity)
      .with_hint("run the command again");
}

Status Client::Stream::wait() {
  std::optional<milliseconds> timeout;
  if (window_.is_waiting()) {
    TRY_ASSIGN(timeout, client_.time_left());
    if (window_.has_unsent()) {
      const auto pause = std::chrono::ceil<milliseconds>(send_after_ - SystemClock().steady_now());
      timeout = std::clamp(pause, milliseconds(0), *timeout);
    }
  }
  std::array<int, 2> fds{wakeup_.fd(), -1};
  size_t count = 1;
  if (source_state_ == TextSource::State::pending && window_.has_room())
    fds[count++] = source_.fd();
  os::wait_readable(std::span(fds).first(count), timeout);
  return {};
}

// In order, so that the daemon does not take it for a client that went away.
void Client::Stream::end_call() {
  call_->close();
  const SteadyTime until = std::chrono::steady_clock::now() + kEndTimeout;
  while (!call_->take().end.has_value()) {
    const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0 || !os::wait_readable(wakeup_.fd(), left)) break;
    wakeup_.clear();
  }
  call_.reset();
}

Status Client::embed_stream(const EmbedOptions& options, const std::string& model_identity,
                            TextSource& source, ResultSink& sink) {
  return Stream(*this, options, model_identity, source, sink).run();
}

}  // namespace runed::client
