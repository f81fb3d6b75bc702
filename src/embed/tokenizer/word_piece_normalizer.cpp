#include "embed/tokenizer/word_piece_normalizer.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "embed/tokenizer/utf8_characters.hpp"

// The reference makes a text of each step: cleaned, CJK characters between spaces, form D, without
// marks, in lower case, split. Each step but one looks at a character alone, so that a character can
// go through all of them at once. The exception is form D, which puts the marks behind a character in
// order: those wait for the next character that is no mark.

namespace runed::embed {
namespace {

using Bits = WordPieceCharacters;

// Lower case in Unicode 17, where utf8proc of Debian 12 does not have it. U+0130 has two characters.
struct Shift {
  uint32_t first;
  uint32_t last;
  int32_t by;
};
constexpr uint32_t kCapitalIWithDot = 0x0130;
constexpr uint32_t kDotAbove = 0x0307;
constexpr std::array kNewCapitals{
    Shift{0x1C89, 0x1C89, 1},      Shift{0xA7CB, 0xA7CB, 0x0264 - 0xA7CB},
    Shift{0xA7CC, 0xA7CC, 1},      Shift{0xA7CE, 0xA7CE, 1},
    Shift{0xA7D2, 0xA7D2, 1},      Shift{0xA7D4, 0xA7D4, 1},
    Shift{0xA7DA, 0xA7DA, 1},      Shift{0xA7DC, 0xA7DC, 0x019B - 0xA7DC},
    Shift{0x10D50, 0x10D65, 0x20}, Shift{0x16EA0, 0x16EB8, 0x1B},
};

uint32_t to_lower(uint32_t point) {
  if (point >= kNewCapitals.front().first) {
    for (const Shift& shift : kNewCapitals) {
      if (point >= shift.first && point <= shift.last) {
        return static_cast<uint32_t>(static_cast<int32_t>(point) + shift.by);
      }
    }
  }
  return static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(point)));
}

int combining_class(uint32_t point) {
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(point))->combining_class;
}

// What the steps make of characters, given to a sink: add(point) for each, part() where one stands alone.
template <typename Sink>
class Steps {
 public:
  Steps(const WordPieceCharacters& characters, const WordPieceNormalizer::Options& options,
        Sink& sink)
      : characters_(characters), options_(options), sink_(sink) {}

  void append(uint32_t point) {
    const uint8_t bits = characters_.of(point);
    if (options_.clean_text && (bits & Bits::kDeleted) != 0) return;
    if (options_.clean_text && (bits & Bits::kWhite) != 0) return order(' ', 0);
    const bool is_alone = options_.split_cjk && (bits & Bits::kCjk) != 0;
    if (is_alone) part();
    if (options_.strip_accents) {
      decompose(point, bits);
    } else {
      add_lower(point);
    }
    if (is_alone) part();
  }

  // Gives the marks that still wait.
  void flush() {
    if (!marks_.empty()) flush_marks();
  }

 private:
  void part() {
    flush();
    sink_.part();
  }

  void decompose(uint32_t point, uint8_t bits) {
    if ((bits & Bits::kDecomposed) == 0) return order(point, bits);
    std::array<utf8proc_int32_t, 16> parts{};  // Unicode has none of more than four.
    int boundary = 0;
    const utf8proc_ssize_t count =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(point), parts.data(), parts.size(),
                                UTF8PROC_DECOMPOSE, &boundary);
    CHECK(count > 0 && static_cast<size_t>(count) <= parts.size());
    for (const utf8proc_int32_t part : std::span(parts).first(static_cast<size_t>(count))) {
      const auto of_part = static_cast<uint32_t>(part);
      order(of_part, characters_.of(of_part));
    }
  }

  // Drops an accent, keeps what may have to change places with others, and adds the rest.
  void order(uint32_t point, uint8_t bits) {
    const bool is_ordered = (bits & Bits::kOrdered) != 0;
    if (!is_ordered) flush();
    if ((bits & Bits::kMark) != 0) return;
    if (is_ordered) {
      marks_.push_back(point);
    } else {
      add_lower(point);
    }
  }

  void flush_marks() {
    std::ranges::stable_sort(marks_, {}, combining_class);
    for (const uint32_t mark : marks_) add_lower(mark);
    marks_.clear();
  }

  void add_lower(uint32_t point) {
    if (!options_.lowercase) return sink_.add(point);
    if (point == kCapitalIWithDot) {
      sink_.add('i');
      return sink_.add(kDotAbove);
    }
    sink_.add(to_lower(point));
  }

  const WordPieceCharacters& characters_;
  const WordPieceNormalizer::Options& options_;
  Sink& sink_;
  std::vector<uint32_t> marks_;  // That wait for their order.
};

// Text as it is, with a space where a character stands alone.
class Text {
 public:
  void add(uint32_t point) {
    std::array<utf8proc_uint8_t, 4> bytes{};
    const auto size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(point), bytes.data());
    text_.append(reinterpret_cast<const char*>(bytes.data()), static_cast<size_t>(size));
  }
  void part() { text_ += ' '; }
  std::string& get() { return text_; }

 private:
  std::string text_;
};

}  // namespace

// The word that is being gathered, of one text.
class WordPieceNormalizer::Words {
 public:
  Words(const WordPieceNormalizer& normalizer, const std::function<void(std::string_view)>& on_word)
      : normalizer_(normalizer),
        on_word_(on_word),
        steps_(normalizer.characters_, normalizer.options_, *this) {}

  void append_ascii(unsigned char byte) {
    const AsciiRole role = normalizer_.ascii_roles_[byte];
    if (role == AsciiRole::nothing) return;
    steps_.flush();
    switch (role) {
      case AsciiRole::letter:
        if (count_ > kMostCharacters) break;
        word_[size_++] = normalizer_.ascii_letters_[byte];
        ++count_;
        break;
      case AsciiRole::space:
        part();
        break;
      case AsciiRole::punctuation:
        part();
        word_[size_++] = static_cast<char>(byte);
        part();
        break;
      case AsciiRole::nothing:
        break;
    }
  }

  void append(uint32_t point) { steps_.append(point); }

  void end_word() {
    steps_.flush();
    part();
  }

  // Adds a character that is as the vocabulary would have it. Form D may have made punctuation of it.
  void add(uint32_t point) {
    const uint8_t bits = normalizer_.characters_.of(point);
    if ((bits & Bits::kWhite) != 0) return part();
    const bool is_alone = (bits & Bits::kPunctuation) != 0;
    if (is_alone) part();
    if (count_ <= kMostCharacters) {
      auto* const end = reinterpret_cast<utf8proc_uint8_t*>(word_.data() + size_);
      size_ += static_cast<size_t>(utf8proc_encode_char(static_cast<utf8proc_int32_t>(point), end));
      ++count_;
    }
    if (is_alone) part();
  }

  // Ends the word, whatever marks still wait.
  void part() {
    if (size_ != 0) on_word_({word_.data(), size_});
    size_ = 0;
    count_ = 0;
  }

 private:
  const WordPieceNormalizer& normalizer_;
  const std::function<void(std::string_view)>& on_word_;
  Steps<Words> steps_;
  std::array<char, 4 * (kMostCharacters + 1)> word_;
  size_t size_ = 0;   // Bytes of word_ in use.
  size_t count_ = 0;  // Characters there.
};

WordPieceNormalizer::WordPieceNormalizer(const Options& options) : options_(options) {
  for (uint32_t point = 0; point < ascii_roles_.size(); ++point) {
    const uint8_t bits = characters_.of(point);
    AsciiRole& role = ascii_roles_[point];
    if (options_.clean_text && (bits & Bits::kDeleted) != 0) {
      role = AsciiRole::nothing;
    } else if ((bits & Bits::kWhite) != 0) {
      role = AsciiRole::space;
    } else if ((bits & Bits::kPunctuation) != 0) {
      role = AsciiRole::punctuation;
    } else {
      role = AsciiRole::letter;
    }
    ascii_letters_[point] = static_cast<char>(options_.lowercase ? to_lower(point) : point);
  }
}

std::string WordPieceNormalizer::normalized(std::string_view text) const {
  Text normalized;
  Steps<Text> steps(characters_, options_, normalized);
  for (size_t offset = 0; offset < text.size();) steps.append(next_character(text, offset));
  steps.flush();
  return std::move(normalized.get());
}

void WordPieceNormalizer::for_each_word(
    std::string_view text, const std::function<void(std::string_view)>& on_word) const {
  Words words(*this, on_word);
  for (size_t offset = 0; offset < text.size();) {
    const auto byte = static_cast<unsigned char>(text[offset]);
    if (byte < 0x80) {
      words.append_ascii(byte);
      ++offset;
    } else {
      words.append(next_character(text, offset));
    }
  }
  words.end_word();
}

}  // namespace runed::embed
