#include "client/text_window.hpp"

#include <utility>

namespace runed::client {

void TextWindow::add(std::string text) {
  bytes_ += text.size();
  ++unanswered_;
  unsent_.insert(first_id_ + slots_.size());
  slots_.push_back({.text = std::make_shared<const std::string>(std::move(text)), .result = {}});
}

void TextWindow::add_fault(Error error) {
  slots_.push_back({.text = nullptr, .result = Result<Embedding>(std::move(error))});
}

std::optional<TextWindow::Unsent> TextWindow::take_unsent() {
  if (unsent_.empty()) return std::nullopt;
  const uint64_t id = *unsent_.begin();
  unsent_.erase(unsent_.begin());
  Slot& slot = slots_[id - first_id_];
  slot.is_sent = true;
  return Unsent{id, slot.text};
}

Result<TextWindow::Slot*> TextWindow::find_sent(uint64_t id) {
  if (id >= first_id_ && id - first_id_ < slots_.size()) {
    Slot& slot = slots_[id - first_id_];
    if (slot.is_sent && !slot.result.has_value()) return &slot;
  }
  return make_error(ErrorCode::internal, "the daemon answered text {}, which is not waiting", id);
}

Status TextWindow::answer(uint64_t id, Result<Embedding> result) {
  TRY_ASSIGN(Slot* const slot, find_sent(id));
  bytes_ -= slot->text->size();
  --unanswered_;
  slot->text.reset();
  slot->result = std::move(result);
  return {};
}

Status TextWindow::send_again(uint64_t id) {
  TRY_ASSIGN(Slot* const slot, find_sent(id));
  slot->is_sent = false;
  unsent_.insert(id);
  return {};
}

void TextWindow::send_all_again() {
  for (size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (!slot.is_sent || slot.result.has_value()) continue;
    slot.is_sent = false;
    unsent_.insert(first_id_ + i);
  }
}

std::optional<Result<Embedding>> TextWindow::take_next() {
  if (slots_.empty() || !slots_.front().result.has_value()) return std::nullopt;
  std::optional<Result<Embedding>> result = std::move(slots_.front().result);
  slots_.pop_front();
  ++first_id_;
  return result;
}

}  // namespace runed::client
