#include "cmd/line/note.hpp"

#include <ostream>

#include "base/json.hpp"
#include "base/text.hpp"

namespace runed::cmd {

std::string format_note(std::string_view text, bool as_json) {
  if (as_json) return to_line(Json{{"note", text}}) + "\n";
  return escape_invalid_utf8(fmt::format("runed: note: {}\n", text));
}

void note_faults(const std::vector<Error>& faults, bool as_json, Services& services) {
  for (const Error& fault : faults) {
    const std::string hint = fault.hint.empty() ? "" : fmt::format(" ({})", fault.hint);
    services.err << format_note(
        fmt::format("{}{}; this command goes on without it", fault.message, hint), as_json);
  }
}

}  // namespace runed::cmd
