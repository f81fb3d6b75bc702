#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "cmd/services.hpp"

namespace runed::cmd {

/// Formats a note as the user sees it on stderr, `runed: note: …`, or with `--json` as a line of
/// JSON: `{"note":"…"}`.
std::string format_note(std::string_view text, bool as_json);

/// Notes what is wrong with the settings, for a command that goes on all the same.
void note_faults(const std::vector<Error>& faults, bool as_json, Services& services);

}  // namespace runed::cmd
