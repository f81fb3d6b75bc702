#include "client/text_window.hpp"

#include "support/result_matchers.hpp"

using runed::Embedding;
using runed::ErrorCode;
using runed::client::TextWindow;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

Embedding vector_of(uint64_t id) {
  return {{static_cast<float>(id)}, 1, 0};
}

std::vector<uint64_t> send_all(TextWindow& window) {
  std::vector<uint64_t> ids;
  while (const auto next = window.take_unsent()) ids.push_back(next->id);
  return ids;
}

}  // namespace

TEST_CASE("results come out in the order of the texts, whatever the order of the answers") {
  TextWindow window;
  for (const char* text : {"a", "b", "c"}) window.add(text);
  CHECK(send_all(window) == std::vector<uint64_t>{0, 1, 2});
  unwrap(window.answer(2, vector_of(2)));
  unwrap(window.answer(1, vector_of(1)));
  CHECK_FALSE(window.take_next().has_value());
  unwrap(window.answer(0, vector_of(0)));
  for (uint64_t id = 0; id < 3; ++id) {
    CHECK(unwrap(*window.take_next()).vector == vector_of(id).vector);
  }
  CHECK(window.is_empty());
}

TEST_CASE("a text that nobody waits for cannot be answered") {
  TextWindow window;
  window.add("a");
  CHECK(unwrap_error(window.answer(0, vector_of(0))).code == ErrorCode::internal);  // Not sent.
  send_all(window);
  CHECK_FALSE(window.answer(1, vector_of(1)).has_value());
  unwrap(window.answer(0, vector_of(0)));
  CHECK(unwrap_error(window.answer(0, vector_of(0))).message ==
        "the daemon answered text 0, which is not waiting");
  window.take_next();
  CHECK_FALSE(window.answer(0, vector_of(0)).has_value());
}

TEST_CASE("what was not answered is sent again, with the same text, and nothing else") {
  TextWindow window;
  for (const char* text : {"a", "b", "c", "d"}) window.add(text);
  for (int i = 0; i < 3; ++i) window.take_unsent();
  unwrap(window.answer(1, vector_of(1)));
  window.send_all_again();
  const auto first = window.take_unsent();
  REQUIRE(first.has_value());
  CHECK(first->id == 0);
  CHECK(*first->text == "a");
  CHECK(send_all(window) == std::vector<uint64_t>{2, 3});
  unwrap(window.send_again(2));
  CHECK(send_all(window) == std::vector<uint64_t>{2});
}

TEST_CASE("a window is full by its texts or their bytes, and takes one text of any size") {
  TextWindow by_texts({.texts = 2, .bytes = 100});
  by_texts.add("a");
  CHECK(by_texts.has_room());
  by_texts.add("b");
  CHECK_FALSE(by_texts.has_room());
  send_all(by_texts);
  unwrap(by_texts.answer(1, vector_of(1)));
  CHECK_FALSE(by_texts.has_room());  // Not delivered.
  unwrap(by_texts.answer(0, vector_of(0)));
  by_texts.take_next();
  CHECK(by_texts.has_room());

  TextWindow by_bytes({.texts = 9, .bytes = 100});
  by_bytes.add(std::string(1000, 'a'));
  CHECK_FALSE(by_bytes.has_room());
  send_all(by_bytes);
  unwrap(by_bytes.answer(0, vector_of(0)));
  CHECK(by_bytes.has_room());  // Its text is gone.
}

TEST_CASE("a fault of the input comes after the results before it") {
  TextWindow window;
  window.add("a");
  window.add_fault(runed::make_error(ErrorCode::blank_line, "blank"));
  CHECK(window.is_waiting());
  CHECK(send_all(window) == std::vector<uint64_t>{0});
  CHECK_FALSE(window.take_next().has_value());
  unwrap(window.answer(0, vector_of(0)));
  CHECK_FALSE(window.is_waiting());
  CHECK(window.take_next()->has_value());
  CHECK(unwrap_error(*window.take_next()).code == ErrorCode::blank_line);
}
