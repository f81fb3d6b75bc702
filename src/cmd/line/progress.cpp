#include "cmd/line/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "base/text.hpp"
#include "cmd/line/note.hpp"

namespace runed::cmd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kRedraw{100};
constexpr seconds kLineInterval{5};
constexpr size_t kBarWidth = 24;

double to_seconds(SteadyTime::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// `2 m 05 s`: what is left of a download.
std::string format_left(double left) {
  const auto whole = static_cast<int64_t>(left + 0.5);
  if (whole >= 3600) return fmt::format("{} h {:02} m", whole / 3600, whole % 3600 / 60);
  if (whole >= 60) return fmt::format("{} m {:02} s", whole / 60, whole % 60);
  return fmt::format("{} s", whole);
}

std::string draw_bar(uint64_t done, uint64_t total) {
  const size_t filled = std::min<uint64_t>(kBarWidth, done * kBarWidth / total);
  return fmt::format("[{}{}]", std::string(filled, '#'), std::string(kBarWidth - filled, ' '));
}

}  // namespace

Display display_of(const Services& services, bool as_json) {
  if (services.err_is_terminal) return Display::bar;
  return as_json ? Display::json : Display::lines;
}

std::string Progress::describe(uint64_t bytes_done, uint64_t bytes_total) const {
  std::string text = format_bytes(bytes_done);
  if (bytes_total > 0) {
    text += fmt::format(" of {} ({} %)", format_bytes(bytes_total), bytes_done * 100 / bytes_total);
  }
  const double elapsed = to_seconds(clock_.steady_now() - begin_);
  if (elapsed < 1 || bytes_done <= amount_at_begin_) return text;
  const double rate = static_cast<double>(bytes_done - amount_at_begin_) / elapsed;
  text += fmt::format(", {}/s", format_bytes(static_cast<uint64_t>(rate)));
  if (bytes_total > bytes_done) {
    text +=
        fmt::format(", {} left", format_left(static_cast<double>(bytes_total - bytes_done) / rate));
  }
  return text;
}

// What is left is told of the input's bytes, at the rate so far.
std::string Progress::describe_texts(uint64_t texts, uint64_t done, uint64_t total) const {
  std::string text = fmt::format("{} texts", texts);
  if (total > 0) text += fmt::format(" ({} %)", done * 100 / total);
  const double elapsed = to_seconds(clock_.steady_now() - begin_);
  if (elapsed < 1 || texts <= amount_at_begin_) return text;
  text += fmt::format(", {:.0f} texts/s", static_cast<double>(texts - amount_at_begin_) / elapsed);
  if (done > 0 && total > done) {
    const double left = elapsed / static_cast<double>(done) * static_cast<double>(total - done);
    text += fmt::format(", {} left", format_left(left));
  }
  return text;
}

bool Progress::is_due(const std::string& what, uint64_t amount) {
  if (display_ == Display::none || display_ == Display::json) return false;
  const SteadyTime now = clock_.steady_now();
  if (what != what_ || amount < amount_at_begin_) {
    what_ = what;
    begin_ = now;
    last_shown_ = now;
    amount_at_begin_ = amount;
    return false;  // Short work is not worth a line.
  }
  const SteadyTime::duration interval = display_ == Display::bar ? kRedraw : kLineInterval;
  if (now - last_shown_ < interval) return false;
  last_shown_ = now;
  return true;
}

void Progress::show(const std::string& text, uint64_t done, uint64_t total) {
  if (display_ == Display::lines) {
    err_ << escape_invalid_utf8(fmt::format("runed: {}: {}\n", what_, text)) << std::flush;
    return;
  }
  const std::string bar = total > 0 ? draw_bar(done, total) + " " : "";
  err_ << fmt::format("\r\x1b[K{} {}{}", escape_invalid_utf8(what_), bar, text) << std::flush;
  is_drawn_ = true;
}

void Progress::update(const std::string& what, uint64_t bytes_done, uint64_t bytes_total) {
  if (is_due(what, bytes_done)) {
    show(describe(bytes_done, bytes_total), bytes_done, bytes_total);
  }
}

void Progress::update_texts(const std::string& what, uint64_t texts, uint64_t done,
                            uint64_t total) {
  if (is_due(what, texts)) show(describe_texts(texts, done, total), done, total);
}

void Progress::note(const std::string& text) {
  clear();
  notes_.push_back(text);
  if (display_ == Display::none) return;
  if (display_ == Display::json) {
    constexpr std::string_view kMark = "note: ";  // Said by the key.
    err_ << format_note(text.substr(text.starts_with(kMark) ? kMark.size() : 0), true);
  } else {
    err_ << escape_invalid_utf8(fmt::format("runed: {}\n", text));
  }
  err_ << std::flush;
}

void Progress::clear() {
  if (is_drawn_) err_ << "\r\x1b[K" << std::flush;
  is_drawn_ = false;
}

bootstrap::Watch LongWork::watch() {
  return {
      .is_cancelled =
          [this] {
            if (signals != nullptr && !interruption.has_value()) {
              interruption = signals->wait(milliseconds(0));
            }
            return interruption.has_value();
          },
      .on_progress = [this](uint64_t done, uint64_t total) { progress.update(doing, done, total); },
      .on_event = [this](const std::string& text) { progress.note(text); }};
}

Error LongWork::explain(Error error) const {
  if (error.code != ErrorCode::cancelled || !interruption.has_value()) return error;
  if (fetches) error.hint = "what was fetched is kept: run the command again to go on from there";
  error.facts.set(fact::kSignal, static_cast<uint64_t>(*interruption));
  return error;
}

}  // namespace runed::cmd
