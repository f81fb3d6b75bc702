#include "base/encoding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "base/file_kind.hpp"
#include "base/text.hpp"
#include "base/wide_text.hpp"

namespace runed {
namespace {

constexpr size_t kMostLookedAt = size_t{64} << 10;  // Bytes on either side of a fault.

// iconv knows no CESU-8.
constexpr const char* kJoinSurrogates =
    "python3 -c \"import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()"
    ".decode('utf-8', 'surrogatepass').encode('utf-16', 'surrogatepass')"
    ".decode('utf-16').encode('utf-8'))\"";

uint8_t byte_at(std::string_view text, size_t i) {
  return static_cast<uint8_t>(text[i]);
}

bool is_continuation(uint8_t byte) {
  return (byte & 0xC0) == 0x80;
}

/// Some bytes that belong together.
struct Piece {
  enum class Kind {
    ascii,
    character,  // Well-formed, past ASCII.
    cut,        // The begin of one, with something else behind it.
    high_half,  // A surrogate, encoded by itself.
    low_half,
    overlong,  // A character with more bytes than it needs.
    stray,     // A byte that begins nothing.
  };
  Kind kind = Kind::stray;
  size_t length = 1;
};

Piece piece_at(std::string_view text, size_t offset) {
  const uint8_t lead = byte_at(text, offset);
  if (lead < 0x80) return {Piece::Kind::ascii};
  if (lead < 0xC0 || lead > 0xF4) return {};
  const size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  size_t held = 1;
  while (held < wanted && offset + held < text.size() &&
         is_continuation(byte_at(text, offset + held))) {
    ++held;
  }
  if (held < wanted) return {Piece::Kind::cut, held};
  if (!find_invalid_utf8(text.substr(offset, wanted))) return {Piece::Kind::character, wanted};
  if (lead == 0xED) {
    const bool is_high = byte_at(text, offset + 1) < 0xB0;
    return {is_high ? Piece::Kind::high_half : Piece::Kind::low_half, wanted};
  }
  return {lead == 0xF4 ? Piece::Kind::stray : Piece::Kind::overlong, wanted};
}

/// How many pieces of each kind a text has that should be UTF-8.
struct Census {
  size_t characters = 0;
  size_t bad = 0;          // Of every kind that is not well-formed.
  size_t cut = 0;          // Cut by the end of a line or of the text.
  size_t cut_letters = 0;  // Of those, what is more often the last letter of a word in Latin-1.
  size_t last_cut = 0;     // Bytes that are left of one that the end of the text cuts.
  size_t halves = 0;
  size_t pairs = 0;  // Halves that follow each other as they should.
  size_t overlong = 0;
};

void count_cut(std::string_view text, size_t offset, size_t length, Census& census) {
  const size_t end = offset + length;
  const bool is_last = end == text.size();
  if (!is_last && text[end] != '\n' && text[end] != '\r') return;
  ++census.cut;
  if (length == 1 && byte_at(text, offset) >= 0xDF) ++census.cut_letters;
  if (is_last) census.last_cut = length;
}

Census count(std::string_view text, Extent extent) {
  Census census;
  bool is_after_high = false;
  for (size_t offset = 0; offset < text.size();) {
    const auto [kind, length] = piece_at(text, offset);
    const bool is_last = offset + length == text.size();
    if (kind == Piece::Kind::cut && is_last && extent == Extent::begin) break;  // More is to come.
    const bool is_bad = kind != Piece::Kind::ascii && kind != Piece::Kind::character;
    if (kind == Piece::Kind::character) ++census.characters;
    if (is_bad) ++census.bad;
    if (kind == Piece::Kind::cut) count_cut(text, offset, length, census);
    if (kind == Piece::Kind::overlong) ++census.overlong;
    const bool is_low = kind == Piece::Kind::low_half;
    if (is_low && is_after_high) ++census.pairs;
    is_after_high = kind == Piece::Kind::high_half;
    if (is_low || is_after_high) ++census.halves;
    offset += length;
  }
  return census;
}

Encoding make(std::string name, std::string_view verb, std::string command) {
  std::string advice = fmt::format("{}, with: {}", verb, command);
  return {std::move(name), std::move(command), std::move(advice)};
}

Encoding without_broken(std::string name, std::string_view verb) {
  return make(std::move(name), fmt::format("{}, or leave out what is broken", verb),
              "iconv -c -f UTF-8 -t UTF-8");
}

std::optional<Encoding> describe_utf8(const Census& census) {
  if (census.bad == 0) return std::nullopt;
  const bool is_cut =
      census.cut == census.bad && (census.characters > 0 || census.cut_letters < census.cut);
  if (is_cut && census.bad == 1 && census.last_cut > 0) {
    return make("UTF-8 that ends in the middle of a character",
                census.last_cut == 1
                    ? "get the whole of it, or leave out its last byte"
                    : fmt::format("get the whole of it, or leave out its last {} bytes",
                                  census.last_cut),
                fmt::format("head -c -{}", census.last_cut));
  }
  if (is_cut) {
    return without_broken("UTF-8 with lines that end in the middle of a character",
                          "cut lines by characters and not by bytes");
  }
  if (census.bad == census.halves && census.bad == 2 * census.pairs) {
    return make("CESU-8, as Java and Oracle write it", "convert it first", kJoinSurrogates);
  }
  if (census.bad == census.halves + census.overlong) {
    return without_broken(census.halves > 0 ? "UTF-8 with halves of characters (surrogates)"
                                            : "UTF-8 with overlong forms, as Java writes them",
                          "write it anew");
  }
  // In a text of Chinese or Japanese in an encoding of its own some bytes are UTF-8 by chance.
  if (census.characters >= census.bad) {
    return without_broken("UTF-8 that is damaged, or mixed with another encoding",
                          "mend or convert these places");
  }
  return std::nullopt;
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<uint8_t>(c) >= 0xC0;
}

bool is_in(std::string_view bytes, char c) {
  return bytes.find(c) != std::string_view::npos;
}

// Whether what Windows-1252 has from 0x80 to 0xBF may stand where it stands: hardly any sign or
// quote is within a word, no capital behind a small letter, and what opens a quotation not behind any.
bool is_in_place(char c, char before, char after) {
  constexpr std::string_view kWithinWords =
      "\x83\x85\x8A\x8C\x8E\x91\x92\x96\x97\x9A\x9C\x9E\x9F\xA0\xAA\xAD\xB4\xB5\xB7\xBA";
  constexpr std::string_view kCapitals = "\x8A\x8C\x8E\x9F";
  constexpr std::string_view kOpening = "\x82\x84";
  if (is_in(kCapitals, c) && before >= 'a' && before <= 'z') return false;
  if (is_in(kOpening, c) && is_letter(before)) return false;
  return is_in(kWithinWords, c) || !is_letter(before) || !is_letter(after);
}

// Tells a text in Latin-1 or Windows-1252 from one in Cyrillic, Chinese or a DOS code page, of
// which iconv would make nonsense without a word: its letters past ASCII are alone, or two together.
std::optional<Encoding> describe_western(std::string_view text, const Census& census) {
  constexpr std::string_view kUndefined = "\x81\x8D\x8F\x90\x9D";
  size_t all = 0;
  size_t in_long_runs = 0;
  bool is_windows = false;  // It has what Latin-1 does not have.
  size_t signs = 0;         // From 0x80 to 0xBF.
  size_t out_of_place = 0;
  size_t run = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const uint8_t byte = byte_at(text, i);
    run = byte < 0x80 ? 0 : run + 1;
    if (run == 0) continue;
    ++all;
    if (run >= 3) in_long_runs += run == 3 ? 3 : 1;
    if (is_in(kUndefined, text[i])) return std::nullopt;
    is_windows = is_windows || byte < 0xA0;
    if (byte >= 0xC0) continue;
    ++signs;
    const char before = i > 0 ? text[i - 1] : ' ';
    const char after = i + 1 < text.size() ? text[i + 1] : ' ';
    if (!is_in_place(text[i], before, after)) ++out_of_place;
  }
  if (10 * in_long_runs > 3 * all || 8 * out_of_place > signs) return std::nullopt;
  if (4 * census.characters > census.bad) {
    return Encoding{"UTF-8 together with Windows-1252 or Latin-1", {},
                    "convert each part by itself before they are put together"};
  }
  return make(is_windows ? "Windows-1252" : "Latin-1 or Windows-1252", "convert it first",
              "iconv -f WINDOWS-1252 -t UTF-8");
}

bool has_many_controls(std::string_view text) {
  constexpr std::string_view kUsual = "\t\n\r\f\b\x1B";
  const auto controls = std::ranges::count_if(
      text, [&](char c) { return static_cast<uint8_t>(c) < 0x20 && !is_in(kUsual, c); });
  return 10 * static_cast<size_t>(controls) >= text.size();
}

}  // namespace

std::optional<Encoding> find_foreign_content(std::string_view begin) {
  begin = begin.substr(0, kMostLookedAt);
  const bool is_broken = count(begin, Extent::begin).bad > 0;
  const bool has_nul = begin.find('\0') != std::string_view::npos;
  if (const auto kind = find_file_kind(begin)) {
    std::string name(kind->name);
    if (kind->command.empty()) return Encoding{std::move(name), {}, std::string(kind->advice)};
    return make(std::move(name), "unpack it first", std::string(kind->command));
  }
  if (const auto wide = find_wide_encoding(begin)) {
    return make(fmt::format("{}{}", wide->name, wide->has_mark ? "" : " without a byte order mark"),
                "convert it first", fmt::format("iconv -f {} -t UTF-8", wide->name));
  }
  if (is_broken && (has_nul || has_many_controls(begin))) {
    return Encoding{"binary data", {}, "give a text: one text a line, in UTF-8"};
  }
  return std::nullopt;
}

Encoding describe_text(std::string_view bytes, size_t fault, Extent extent) {
  size_t from = fault > kMostLookedAt ? fault - kMostLookedAt : 0;
  while (from > 0 && from < fault && is_continuation(byte_at(bytes, from))) ++from;
  const std::string_view around = bytes.substr(from, fault - from + kMostLookedAt);
  const bool has_end = from + around.size() == bytes.size();
  const Census census = count(around, has_end ? extent : Extent::begin);
  if (auto utf8 = describe_utf8(census)) return *std::move(utf8);
  if (auto western = describe_western(around, census)) return *std::move(western);
  return {"text in an encoding that cannot be told",
          {},
          "find out which it is, and convert it, with: iconv -f ENCODING -t UTF-8"};
}

Encoding describe_encoding(std::string_view bytes) {
  if (auto foreign = find_foreign_content(bytes)) return *std::move(foreign);
  return describe_text(bytes, find_invalid_utf8(bytes).value_or(0), Extent::whole);
}

}  // namespace runed
