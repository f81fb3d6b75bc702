#pragma once

#include <optional>
#include <string_view>

namespace runed {

/// A kind of file that is no text, known by how its bytes begin.
struct FileKind {
  std::string_view name;     // For people: `gzip data`, `a PDF document`.
  std::string_view command;  // A filter that unpacks it; empty if there is none.
  std::string_view advice;   // What to do where there is none.
};

/// Finds the kind of file that begins like this. Some begin with letters, as a text may: they are
/// found once something follows that no text has.
std::optional<FileKind> find_file_kind(std::string_view begin);

}  // namespace runed
