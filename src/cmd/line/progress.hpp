#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "bootstrap/fetch/watch.hpp"
#include "cmd/services.hpp"
#include "os/process/signals.hpp"

namespace runed::cmd {

/// How progress is shown.
enum class Display {
  bar,    // With rate and time left, drawn over itself: for a terminal.
  lines,  // One every few seconds.
  json,   // None; a note is a line of JSON.
  none,   // None; notes are only collected, for a JSON document.
};

/// Chooses by where stderr goes: a program that asked for JSON reads nothing else from it.
Display display_of(const Services& services, bool as_json = false);

/// Shows how far long work is, on stderr.
class Progress {
 public:
  Progress(std::ostream& err, Display display, const Clock& clock)
      : err_(err), display_(display), clock_(clock) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  /// Tells the bytes of `what` that are done; total 0: unknown. What is done when it is first told
  /// counts as having been there before.
  void update(const std::string& what, uint64_t bytes_done, uint64_t bytes_total);

  /// The same of texts: how many are done, and how far that is in an input of this size; 0: unknown.
  void update_texts(const std::string& what, uint64_t texts, uint64_t done, uint64_t total);

  /// Prints a line of its own.
  void note(const std::string& text);
  const std::vector<std::string>& notes() const { return notes_; }

  /// Takes the bar off the terminal.
  void clear();

 private:
  bool is_due(const std::string& what, uint64_t amount);
  void show(const std::string& text, uint64_t done, uint64_t total);
  std::string describe(uint64_t bytes_done, uint64_t bytes_total) const;
  std::string describe_texts(uint64_t texts, uint64_t done, uint64_t total) const;

  std::ostream& err_;
  const Display display_;
  const Clock& clock_;
  std::string what_;
  SteadyTime begin_;
  SteadyTime last_shown_;
  uint64_t amount_at_begin_ = 0;  // Bytes, or texts.
  bool is_drawn_ = false;
  std::vector<std::string> notes_;
};

/// Long work of a command: shown by a Progress, and stopped by the first signal.
struct LongWork {
  Progress progress;
  os::SignalWatcher* signals;         // Borrowed; null: signals just end the process.
  std::string doing{};                // Named beside the bar.
  std::optional<int> interruption{};  // The signal that arrived.
  bool fetches = true;                // Something that is kept when it is stopped.

  /// Owns: nothing; this outlives the result.
  bootstrap::Watch watch();

  /// Says what an interrupted command leaves, and by which signal. Other errors are left alone.
  Error explain(Error error) const;
};

}  // namespace runed::cmd
