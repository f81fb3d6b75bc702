#include "daemon/queue/text_queue.hpp"

#include <algorithm>
#include <utility>

#include "daemon/queue/ids_key.hpp"

namespace runed::daemon {
namespace {

// Passes that a window is enough for. More of them sort better, and let a text wait longer for
// those that are next to it in the window.
constexpr size_t kWindowPasses = 4;

size_t tokens_of(const std::shared_ptr<WaitingText>& text) {
  return text->text.ids.size();
}

}  // namespace

bool WaitingText::is_wanted() const {
  return std::ranges::any_of(recipients,
                             [](const Recipient& recipient) { return recipient.job->is_wanted(); });
}

void TextQueue::add(const std::shared_ptr<PendingJob>& job, size_t index) {
  const Priority priority = job->job.priority;
  embed::PreparedText& prepared = job->prepared[index];
  const auto found = by_ids_.find(ids_key(prepared.ids));
  // Two pairs may have the same ids, and be divided otherwise: then the second has no part in the map.
  if (found == by_ids_.end() || found->second->text.second != prepared.second) {
    auto text = std::make_shared<WaitingText>(
        WaitingText{.text = {.ids = std::move(prepared.ids), .second = prepared.second},
                    .recipients = {},
                    .priority = priority});
    text->recipients.push_back({job, index});
    by_ids_.emplace(ids_key(text->text.ids), text);
    enqueue(text, job->job.flow);
    return;
  }
  const TextPtr text = found->second;
  text->recipients.push_back({job, index});
  if (text->is_taken || text->priority == priority || priority == Priority::bulk) return;
  text->priority = priority;  // In its old place it is passed over.
  enqueue(text, job->job.flow);
}

void TextQueue::enqueue(const TextPtr& text, uint64_t flow) {
  Class& waiting = of(text->priority);
  const auto known = waiting.by_id.find(flow);
  if (known != waiting.by_id.end()) {
    known->second->texts.push_back(text);
    return;
  }
  waiting.flows.push_back({.id = flow, .texts = {text}});
  waiting.by_id.emplace(flow, std::prev(waiting.flows.end()));
}

bool TextQueue::is_waiting(Priority priority) {
  drop_unwanted(priority);
  Class& waiting = of(priority);
  if (waiting.window.empty()) {
    if (TextPtr text = next_in_turn(priority)) waiting.window.push_back(std::move(text));
  }
  return !waiting.window.empty();
}

TextQueue::Texts TextQueue::take(Priority priority, size_t budget) {
  drop_unwanted(priority);
  Class& waiting = of(priority);
  refill(priority, budget);
  Texts pass;
  Texts rest;
  size_t tokens = 0;
  for (TextPtr& text : waiting.window) {
    if (pass.empty() || tokens + tokens_of(text) <= budget) {
      tokens += tokens_of(text);
      text->is_taken = true;
      pass.push_back(std::move(text));
    } else {
      rest.push_back(std::move(text));
    }
  }
  waiting.window = std::move(rest);
  return pass;
}

void TextQueue::forget(const WaitingText& text) {
  const auto found = by_ids_.find(ids_key(text.text.ids));
  if (found != by_ids_.end() && found->second.get() == &text) by_ids_.erase(found);
}

void TextQueue::clear() {
  by_ids_.clear();
  classes_ = {};
}

// Whether the text is still to be computed as one of this class. Nobody finds one again that is not
// wanted: who comes for it later begins anew.
bool TextQueue::is_to_do(const WaitingText& text, Priority priority) {
  if (text.is_taken || text.priority != priority) return false;
  if (text.is_wanted()) return true;
  forget(text);
  return false;
}

void TextQueue::drop_unwanted(Priority priority) {
  std::erase_if(of(priority).window,
                [&](const TextPtr& text) { return !is_to_do(*text, priority); });
}

// Null: none waits.
TextQueue::TextPtr TextQueue::next_in_turn(Priority priority) {
  Class& waiting = of(priority);
  while (!waiting.flows.empty()) {
    const auto flow = waiting.flows.begin();
    TextPtr text = std::move(flow->texts.front());
    flow->texts.pop_front();
    if (flow->texts.empty()) {
      waiting.by_id.erase(flow->id);
      waiting.flows.erase(flow);
    } else {
      waiting.flows.splice(waiting.flows.end(), waiting.flows, flow);
    }
    if (is_to_do(*text, priority)) return text;
  }
  return nullptr;
}

// What is left of the window before stays in front: it is less than a pass, so all of it is next.
void TextQueue::refill(Priority priority, size_t budget) {
  Texts& window = of(priority).window;
  size_t tokens = 0;
  for (const TextPtr& text : window) tokens += tokens_of(text);
  if (tokens >= budget) return;
  const auto old = static_cast<std::ptrdiff_t>(window.size());
  while (tokens < kWindowPasses * budget) {
    TextPtr text = next_in_turn(priority);
    if (text == nullptr) break;
    tokens += tokens_of(text);
    window.push_back(std::move(text));
  }
  std::stable_sort(window.begin() + old, window.end(),
                   [](const TextPtr& a, const TextPtr& b) { return tokens_of(a) > tokens_of(b); });
}

}  // namespace runed::daemon
