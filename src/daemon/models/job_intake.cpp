#include "daemon/models/job_intake.hpp"

#include <algorithm>
#include <utility>

namespace runed::daemon {
namespace {

constexpr size_t kLargeBytes = 64 << 10;  // Of text: some 10 ms of tokenising.
constexpr size_t kHugeBytes = 2 << 20;    // A full batch is less.

// What is put before each text.
size_t bytes_beside(const Job& job) {
  return job.options.instruction.size() + (job.query.has_value() ? job.query->size() : 0);
}

size_t bytes_of(const Job& job) {
  size_t bytes = job.texts.size() * bytes_beside(job);
  for (const auto& text : job.texts) bytes += text.size();
  return bytes;
}

// Before they are counted: prose has four bytes a token, and each text at least its EOS. None has more
// than the model takes, since it is cut or refused.
size_t estimated_tokens(const Job& job, const embed::ModelInfo* model) {
  size_t tokens = 0;
  for (const std::string& text : job.texts) {
    const size_t some = (text.size() + bytes_beside(job)) / 4 + 1;
    tokens += model == nullptr ? some : std::min<size_t>(some, model->max_tokens);
  }
  return tokens;
}

}  // namespace

void JobIntake::submit(Job job) {
  const auto pending = std::make_shared<PendingJob>(std::move(job));
  pending->arrived = parts_.clock.steady_now();
  if (pending->job.flow == 0) pending->job.flow = new_flow();
  const auto model = parts_.state.model();
  Status bound = model == nullptr ? Status() : pending->bound_texts(*model);
  pending->queued_tokens = estimated_tokens(pending->job, model.get());
  if (!bound) {
    pending->answer(std::move(bound).error());
  } else if (bytes_of(pending->job) > kLargeBytes) {
    take_large(pending);
  } else {
    take(pending);
  }
}

// Tokenises on the caller's thread.
void JobIntake::take(const PendingPtr& pending) {
  if (auto refusal = parts_.inbox.find_refusal(*pending)) {  // Before its texts cost anything.
    pending->answer(*std::move(refusal));
    return;
  }
  if (!prepare_or_answer(*pending)) return;
  if (auto refusal = parts_.inbox.admit(*pending)) {
    pending->answer(*std::move(refusal));
    return;
  }
  parts_.inbox.hand_over(pending);
}

// Lets the worker tokenise: two long texts would keep gRPC's threads from every other call.
void JobIntake::take_large(const PendingPtr& pending) {
  if (auto refusal = parts_.inbox.admit(*pending)) {
    pending->answer(*std::move(refusal));
    return;
  }
  Worker& worker = bytes_of(pending->job) > kHugeBytes ? huge_jobs_ : large_jobs_;
  worker.submit([this, pending] {
    if (!pending->is_wanted() || prepare_or_answer(*pending)) parts_.inbox.hand_over(pending);
  });
}

// Returns whether the job still has to be computed.
bool JobIntake::prepare_or_answer(PendingJob& pending) {
  if (Status prepared = prepare(pending); !prepared) {
    pending.answer(std::move(prepared).error());
  } else if (pending.is_complete()) {
    parts_.engine.note_use();
    pending.finish();
  }
  return !pending.is_answered();
}

// Suspended, or with a tokenizer that may have to be waited for, this is left to the scheduler's loop.
Status JobIntake::prepare(PendingJob& pending) {
  TRY(pending.check_texts());  // Now, since one that is bad must not wake the model.
  const auto model = parts_.state.model();
  const auto tokenizer = parts_.engine.tokenizer();
  if (model == nullptr || tokenizer == nullptr || !tokenizer->is_local()) return {};
  TRY(pending.prepare(*tokenizer, model));
  pending.recount();
  return pending.take_known(parts_.cache, parts_.meter);
}

}  // namespace runed::daemon
