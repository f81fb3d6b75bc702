// runed_convert: what `runed convert` does, for a build that needs it before runed is built.

#include <exception>
#include <iostream>
#include <span>
#include <string>

#include "embed/model/convert.hpp"

namespace runed::cmd {
namespace {

Result<embed::ConvertedFile> run(std::span<char*> arguments) {
  if (arguments.size() != 4) {
    return make_error(ErrorCode::usage, "usage: runed_convert MODEL FILE TYPE");
  }
  embed::Conversion conversion{
      .source = arguments[1], .target = arguments[2], .type = {}, .may_replace = true};
  TRY_ASSIGN(conversion.type, embed::parse_conversion_type(arguments[3]));
  return embed::convert_model(conversion);
}

}  // namespace
}  // namespace runed::cmd

int main(int count, char** arguments) {
  try {
    const auto converted = runed::cmd::run(std::span(arguments, static_cast<size_t>(count)));
    if (!converted) {
      std::cerr << runed::format_error(converted.error());
      return 1;
    }
    std::cout << converted->sha256 << '\n';
    return 0;
  } catch (const std::exception& exception) {
    std::cerr << "runed: error: " << exception.what() << '\n';
    return 1;
  }
}
