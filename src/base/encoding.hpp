#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace runed {

/// What bytes seem to be that are not text in UTF-8, and what to do about it.
struct Encoding {
  std::string name;     // For people: `UTF-16`, `gzip data`, `UTF-8 that is damaged`.
  std::string command;  // A filter that makes UTF-8 of such bytes; empty if there is none.
  std::string advice;   // What to do, with the command: `convert it first, with: iconv ...`.
};

/// Whether bytes are all that there is, or more may follow.
enum class Extent { whole, begin };

/// Tells what an input is as a whole, by how it begins, if it is no text of bytes: UTF-16 or
/// UTF-32, packed, or binary. None for text, whether or not it is UTF-8.
std::optional<Encoding> find_foreign_content(std::string_view begin);

/// Says what text is in which `fault` is the offset of a byte that is no UTF-8, by the bytes around
/// it. One of which nothing can be told has advice all the same.
Encoding describe_text(std::string_view bytes, size_t fault, Extent extent);

/// Says what bytes are by themselves: foreign content, or text.
/// Needs: they are not UTF-8.
Encoding describe_encoding(std::string_view bytes);

}  // namespace runed
