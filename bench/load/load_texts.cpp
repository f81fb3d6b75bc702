#include "load_texts.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace runed::bench {
namespace {

// Some words are two tokens: no text may become too long by that.
constexpr double kShareOfMost = 0.97;

// Common words: one token each in most vocabularies.
constexpr std::array<std::string_view, 128> kWords{
    "the",     "people",   "water",  "house",   "world",    "time",    "year",       "day",
    "man",     "woman",    "child",  "life",    "hand",     "part",    "place",      "case",
    "week",    "company",  "system", "program", "question", "work",    "government", "number",
    "night",   "point",    "home",   "room",    "mother",   "area",    "money",      "story",
    "fact",    "month",    "lot",    "right",   "study",    "book",    "eye",        "job",
    "word",    "business", "issue",  "side",    "kind",     "head",    "service",    "friend",
    "father",  "power",    "hour",   "game",    "line",     "end",     "member",     "law",
    "car",     "city",     "name",   "team",    "minute",   "idea",    "body",       "back",
    "parent",  "face",     "level",  "office",  "door",     "health",  "person",     "art",
    "war",     "history",  "party",  "result",  "change",   "morning", "reason",     "research",
    "girl",    "moment",   "air",    "teacher", "force",    "order",   "foot",       "music",
    "land",    "light",    "sea",    "road",    "king",     "fire",    "river",      "paper",
    "space",   "ground",   "form",   "event",   "matter",   "center",  "couple",     "site",
    "project", "state",    "family", "student", "group",    "country", "problem",    "school",
    "good",    "new",      "first",  "last",    "long",     "great",   "little",     "own",
    "other",   "old",      "big",    "high",    "small",    "large",   "next",       "early"};

// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014 (splitmix64).
uint64_t next(uint64_t& state) {
  uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

}  // namespace

LoadTexts::LoadTexts(uint64_t seed, uint64_t distinct, std::vector<uint32_t> lengths,
                     TokenMeasure measure)
    : seed_(seed), distinct_(distinct), lengths_(std::move(lengths)), measure_(measure) {}

std::string LoadTexts::text(uint64_t index) const {
  uint64_t state = seed_ ^ number_of(index) * 0xD6E8FEB86659FD93u;
  const double tokens =
      std::min<double>(lengths_[next(state) % lengths_.size()], kShareOfMost * measure_.most);
  const double count = std::max(1.0, std::round((tokens - 1) / measure_.per_word));
  return words(next(state), static_cast<uint64_t>(count));
}

std::string LoadTexts::words(uint64_t seed, uint64_t count) {
  std::string text;
  for (uint64_t i = 0; i < count; ++i) {
    if (i > 0) text += ' ';
    text += kWords[next(seed) % kWords.size()];
  }
  return text;
}

}  // namespace runed::bench
