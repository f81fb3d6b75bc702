#include "os/process/proc_file.hpp"

#include "support/catch.hpp"

using runed::os::number_after;
using runed::os::word_at;

TEST_CASE("the number after a word is that of the line which begins with it") {
  constexpr std::string_view kStatus =
      "Name:\tx RssAnon: 7\nRssAnonymous:\t5 kB\nRssAnon:\t  12 kB\n";
  CHECK(number_after(kStatus, "RssAnon:") == 12);
  CHECK(number_after(kStatus, "VmSwap:") == 0);
  CHECK(number_after("oom_kill 3", "oom_kill") == 3);
  CHECK(number_after("oom_kill", "oom_kill") == 0);
  CHECK(number_after("", "oom_kill") == 0);
}

TEST_CASE("words are counted from 0, whatever blanks are between them") {
  CHECK(word_at("  one\ttwo   three\n", 0) == "one");
  CHECK(word_at("  one\ttwo   three\n", 2) == "three");
  CHECK(word_at("  one\ttwo   three\n", 3).empty());
  CHECK(word_at("", 0).empty());
}
