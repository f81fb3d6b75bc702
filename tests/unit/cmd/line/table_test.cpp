#include "cmd/line/table.hpp"

#include "support/catch.hpp"

using runed::cmd::display_width;
using runed::cmd::Row;
using runed::cmd::to_table;

TEST_CASE("a character of East Asia takes two columns, and a mark upon another none") {
  CHECK(display_width("") == 0);
  CHECK(display_width("abc") == 3);
  CHECK(display_width("äß") == 2);
  CHECK(display_width("模型") == 4);
  CHECK(display_width("e\u0301") == 1);
  CHECK(display_width("a\xff"
                      "b") == 3);
}

TEST_CASE("columns are as wide as what is widest on a terminal, and lines have no end of spaces") {
  CHECK(to_table({{"NAME", "SIZE"}, {"模型", "1"}, {"abcde", ""}}) ==
        "NAME   SIZE\n"
        "模型   1\n"
        "abcde\n");
  CHECK(to_table({}).empty());
}

TEST_CASE("where a line does not fit a terminal, a row is a name with its details below") {
  const std::vector<Row> rows{{"NAME", "SIZE", "STATE"}, {"a", "24.1 MiB", "installed"}};
  const std::string table = to_table(rows);
  CHECK(table == "NAME  SIZE      STATE\na     24.1 MiB  installed\n");
  CHECK(to_table(rows, 0) == table);
  CHECK(to_table(rows, 25) == table);
  CHECK(to_table(rows, 24) == "a\n  size: 24.1 MiB,\n  state: installed\n");
  CHECK(to_table(rows, 10) == "a\n  size: 24.1 MiB,\n  state: installed\n");
  const std::vector<Row> wide{{"NAME", "B", "C"}, {std::string(40, 'a'), "1", "2"}};
  CHECK(to_table(wide, 30) == std::string(40, 'a') + "\n  b: 1, c: 2\n");
}
