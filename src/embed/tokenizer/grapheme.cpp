#include "embed/tokenizer/grapheme.hpp"

#include <utf8proc.h>

#include <array>
#include <cstdint>
#include <vector>

#include "embed/tokenizer/grapheme_ranges.hpp"

// utf8proc finds clusters too, by older versions of Unicode, which have fewer marks and do not join
// Indic conjuncts. Of it are the classes that no version changes: controls, Hangul and flags.

namespace runed::embed {
namespace {

enum Bit : uint8_t {
  kExtends = 1,
  kGoesOn = 2,
  kPrepended = 4,
  kPictograph = 8,
  kConsonant = 16,
  kLinker = 32,
  kConjunctExtends = 64,
};

// The bits of each character, in pages of which most are the same empty one.
class Bits {
 public:
  Bits() : pages_(1) {
    add_all(grapheme::kExtends, kExtends | kGoesOn);
    add_all(grapheme::kSpacing, kGoesOn);
    add_all(grapheme::kPrepended, kPrepended);
    add_all(grapheme::kPictographs, kPictograph);
    add_all(grapheme::kConsonants, kConsonant);
    add_all(grapheme::kLinkers, kLinker);
    add_all(grapheme::kConjunctExtends, kConjunctExtends);
  }

  uint8_t of(char32_t point) const { return pages_[page_of_[point >> 8]][point & 0xFF]; }

 private:
  template <typename Ranges>
  void add_all(const Ranges& ranges, uint8_t bits) {
    for (const grapheme::Range& range : ranges) {
      for (uint32_t point = range.first; point <= range.last; ++point) add(point, bits);
    }
  }

  void add(uint32_t point, uint8_t bits) {
    uint16_t& page = page_of_[point >> 8];
    if (page == 0) {
      page = static_cast<uint16_t>(pages_.size());
      pages_.emplace_back();
    }
    pages_[page][point & 0xFF] |= bits;
  }

  std::array<uint16_t, 0x1100> page_of_{};
  std::vector<std::array<uint8_t, 256>> pages_;
};

const Bits& all_bits() {
  static const Bits bits;
  return bits;
}

struct Character {
  uint8_t bits = 0;
  int boundary = UTF8PROC_BOUNDCLASS_OTHER;
};

Character describe(char32_t point) {
  return {
      all_bits().of(point),
      static_cast<int>(utf8proc_get_property(static_cast<utf8proc_int32_t>(point))->boundclass)};
}

bool is_control(int boundary) {
  return boundary == UTF8PROC_BOUNDCLASS_CONTROL || boundary == UTF8PROC_BOUNDCLASS_CR ||
         boundary == UTF8PROC_BOUNDCLASS_LF;
}

// GB6 to GB8.
bool is_one_syllable(int last, int next) {
  switch (last) {
    case UTF8PROC_BOUNDCLASS_L:
      return next == UTF8PROC_BOUNDCLASS_L || next == UTF8PROC_BOUNDCLASS_V ||
             next == UTF8PROC_BOUNDCLASS_LV || next == UTF8PROC_BOUNDCLASS_LVT;
    case UTF8PROC_BOUNDCLASS_LV:
    case UTF8PROC_BOUNDCLASS_V:
      return next == UTF8PROC_BOUNDCLASS_V || next == UTF8PROC_BOUNDCLASS_T;
    case UTF8PROC_BOUNDCLASS_LVT:
    case UTF8PROC_BOUNDCLASS_T:
      return next == UTF8PROC_BOUNDCLASS_T;
    default:
      return false;
  }
}

// What a cluster ends with so far, where more than its last character counts.
class Cluster {
 public:
  explicit Cluster(char32_t point) { take(point, describe(point)); }

  // Takes a character in, if it belongs to the cluster.
  bool take_if_joined(char32_t point) {
    const Character next = describe(point);
    if (!joins(next)) return false;
    take(point, next);
    return true;
  }

 private:
  static constexpr char32_t kJoiner = 0x200D;

  bool joins(const Character& next) const {
    if (last_.boundary == UTF8PROC_BOUNDCLASS_CR) return next.boundary == UTF8PROC_BOUNDCLASS_LF;
    if (is_control(last_.boundary) || is_control(next.boundary)) return false;
    if (is_one_syllable(last_.boundary, next.boundary)) return true;
    if ((next.bits & kGoesOn) != 0 || (last_.bits & kPrepended) != 0) return true;
    if (is_linked_ && (next.bits & kConsonant) != 0) return true;
    if (is_joined_ && (next.bits & kPictograph) != 0) return true;
    return has_odd_flag_ && next.boundary == UTF8PROC_BOUNDCLASS_REGIONAL_INDICATOR;
  }

  void take(char32_t point, const Character& next) {
    is_joined_ = has_pictograph_ && point == kJoiner;
    has_pictograph_ =
        (next.bits & kPictograph) != 0 || (has_pictograph_ && (next.bits & kExtends) != 0);
    if ((next.bits & kConsonant) != 0) {
      has_consonant_ = true;
      is_linked_ = false;
    } else {
      has_consonant_ = has_consonant_ && (next.bits & (kLinker | kConjunctExtends)) != 0;
      is_linked_ = has_consonant_ && (is_linked_ || (next.bits & kLinker) != 0);
    }
    has_odd_flag_ = next.boundary == UTF8PROC_BOUNDCLASS_REGIONAL_INDICATOR && !has_odd_flag_;
    last_ = next;
  }

  Character last_;
  bool has_pictograph_ = false;  // A pictograph, and since then what extends it.
  bool is_joined_ = false;       // That, and ZWJ at the end.
  bool has_consonant_ = false;   // A consonant, and since then what belongs to a conjunct.
  bool is_linked_ = false;       // That, with a linker.
  bool has_odd_flag_ = false;    // Half a flag.
};

}  // namespace

size_t first_cluster(std::string_view text) {
  const DecodedCharacter first = first_character(text);
  Cluster cluster(first.point);
  size_t length = first.length;
  while (length < text.size()) {
    const DecodedCharacter next = first_character(text.substr(length));
    if (!cluster.take_if_joined(next.point)) break;
    length += next.length;
  }
  return length;
}

}  // namespace runed::embed
