#include "daemon/grpc/wire.hpp"

#include "support/result_matchers.hpp"

namespace v1 = runed::v1;
using runed::Error;
using runed::ErrorCode;
using runed::daemon::read_options;
using runed::test::unwrap;
using runed::test::unwrap_error;

TEST_CASE("the texts of a reply are shown in UTF-8, however deep they are") {
  v1::InfoResponse info;
  info.set_daemon_version("v\u00e9");
  info.set_variant("\xff");
  for (const char* value : {"plain", "/h\xff/m.gguf"}) info.add_config()->set_value(value);
  v1::EmbedStreamResponse stream;
  stream.mutable_embedding()->set_centroid_set_version("\xff");
  runed::daemon::escape_texts(info);
  runed::daemon::escape_texts(stream);
  CHECK(info.daemon_version() == "v\u00e9");
  CHECK(info.variant() == "\\xff");
  CHECK(info.config(0).value() == "plain");
  CHECK(info.config(1).value() == "/h\\xff/m.gguf");
  CHECK(stream.embedding().centroid_set_version() == "\\xff");
}

TEST_CASE("an option that cannot be is refused by its name") {
  const auto refusal = [](const auto& change) {
    v1::raw::EmbedRequest request;
    change(request);
    return unwrap_error(read_options(request));
  };
  const Error type =
      refusal([](auto& request) { request.set_input_type(static_cast<v1::raw::InputType>(7)); });
  CHECK(type.code == ErrorCode::invalid_argument);
  CHECK(type.message == "unknown input type 7");
  CHECK(type.facts.text("field") == "input_type");
  const Error truncation =
      refusal([](auto& request) { request.set_truncate(static_cast<v1::raw::Truncate>(-1)); });
  CHECK(truncation.message == "unknown truncation -1");
  CHECK(truncation.facts.text("field") == "truncate");
  CHECK(truncation.facts.text("value") == "-1");
  const Error instruction = refusal([](auto& request) { request.set_instruction("ab\xff"); });
  CHECK(instruction.code == ErrorCode::not_utf8);
  CHECK(instruction.message == "the instruction is not UTF-8 at byte 2");
  CHECK(instruction.facts.text("field") == "instruction");
  CHECK(instruction.facts.text("byte_offset") == "2");
}

TEST_CASE("a prompt's name is read, and refused where it is not UTF-8") {
  v1::raw::EmbedBatchRequest request;
  request.set_prompt_name("t\u00e9");
  CHECK(unwrap(read_options(request)).prompt_name == "t\u00e9");
  request.set_prompt_name("ab\xff");
  const Error error = unwrap_error(read_options(request));
  CHECK(error.code == ErrorCode::not_utf8);
  CHECK(error.message == "the prompt_name is not UTF-8 at byte 2");
  CHECK(error.facts.text("field") == "prompt_name");
}

TEST_CASE("options that are sent are read") {
  v1::raw::EmbedOptions options;
  options.set_input_type(v1::raw::INPUT_TYPE_QUERY);
  options.set_instruction("t\u00e9");
  options.set_dimensions(64);
  options.set_truncate(v1::raw::TRUNCATE_LEFT);
  const auto read = unwrap(read_options(options));
  CHECK(read.input_type == runed::InputType::query);
  CHECK(read.instruction == "t\u00e9");
  CHECK(read.dimensions == 64);
  CHECK(read.truncate == runed::Truncate::left);
}
