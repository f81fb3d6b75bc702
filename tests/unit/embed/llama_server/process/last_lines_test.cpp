#include "embed/llama_server/process/last_lines.hpp"

#include "support/catch.hpp"

using runed::embed::llama_server::LastLines;
using runed::embed::llama_server::quote_end;
using Lines = std::vector<std::string>;

TEST_CASE("lines are put together from pieces, and the last may be open") {
  LastLines lines;
  CHECK(lines.get(10).empty());
  for (const char* piece : {"on", "e\n\ntw", "", "o\nthr"}) lines.append(piece);
  CHECK(lines.get(10) == Lines{"one", "", "two", "thr"});
  CHECK(lines.get(2) == Lines{"two", "thr"});
  lines.append("ee\n");
  CHECK(lines.get(1) == Lines{"three"});
  CHECK(lines.get(0).empty());
}

TEST_CASE("only so many lines are kept, an open one among them") {
  LastLines lines;
  for (int i = 1; i <= 1000; ++i) lines.append(std::to_string(i) + "\n");
  REQUIRE(lines.get(1000).size() == LastLines::kMostLines);
  CHECK(lines.get(1000).front() == "801");
  lines.append("open");
  REQUIRE(lines.get(1000).size() == LastLines::kMostLines);
  CHECK(lines.get(1000).front() == "802");
  CHECK(lines.get(1000).back() == "open");
}

TEST_CASE("of a long line the end is kept, however it comes") {
  const std::string end(LastLines::kMostLineBytes, 'x');
  LastLines at_once;
  at_once.append("begin" + end + "\nnext");
  CHECK(at_once.get(2) == Lines{end, "next"});
  LastLines in_pieces;
  in_pieces.append("begin");
  for (const char each : end) in_pieces.append(std::string(1, each));
  CHECK(in_pieces.get(2) == Lines{end});
}

TEST_CASE("the last lines are quoted as they are, without blank ones") {
  CHECK(quote_end(Lines{}).empty());
  CHECK(quote_end(Lines{"", " "}).empty());
  CHECK(quote_end(Lines{"0", "0.00.003.938 I srv  load", "", "2", "\x1b[31m3", ""}) ==
        "0.00.003.938 I srv  load | 2 | \\x1b[31m3");
}

TEST_CASE("a quotation ends at its limit, and the last line goes before the others") {
  const std::string middle(40, 'm');
  const std::string last(60, 'l');
  CHECK(quote_end(Lines{"a", middle, last}) == "a | " + middle + " | " + last);
  CHECK(quote_end(Lines{"a", middle, last}, 80) == std::string(11, 'm') + "... | " + last);
  CHECK(quote_end(Lines{"a", middle, last}, 40) == std::string(31, 'l') + "...");
  for (size_t limit = 0; limit < 300; ++limit) {
    CHECK(quote_end(Lines{std::string(200, '\xff'), std::string(200, 'x'), "\u00e9\u00e9\u00e9"},
                    limit)
              .size() <= limit);
  }
}
