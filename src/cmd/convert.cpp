#include "cmd/convert.hpp"

#include <memory>
#include <ostream>

#include "base/json.hpp"
#include "base/text.hpp"
#include "cmd/line/flag_set.hpp"
#include "embed/model/convert.hpp"

namespace runed::cmd {
namespace {

constexpr const char* kExamples =
    "  runed convert all-MiniLM-L6-v2/ -o all-MiniLM-L6-v2.q8_0.gguf --type q8_0\n"
    "  runed convert model.f32.gguf -o model.f16.gguf --type f16";

}  // namespace

Result<ExitCode> run_convert(const ConvertFlags& flags, Services& services) {
  embed::Conversion conversion{
      .source = flags.source, .target = flags.output, .type = {}, .may_replace = flags.force};
  if (!flags.type.empty()) {
    TRY_ASSIGN(conversion.type, embed::parse_conversion_type(flags.type));
  }
  TRY_ASSIGN(const auto converted, embed::convert_model(conversion));
  if (flags.json) {
    services.out << to_line({{"path", flags.output},
                             {"bytes", converted.size_bytes},
                             {"tensors", converted.tensors},
                             {"sha256", converted.sha256}})
                 << '\n';
  } else {
    services.out << fmt::format("{}: {} tensors, {}\nsha256 {}\n",
                                escape_invalid_utf8(flags.output), converted.tensors,
                                format_bytes(converted.size_bytes), converted.sha256);
  }
  return ExitCode::ok;
}

Runner define_convert(FlagSet& set) {
  auto flags = std::make_shared<ConvertFlags>();
  set.footer(kExamples);
  set.add_option("MODEL", flags->source, "A Hugging Face directory, or a GGUF file").required();
  set.add_option("-o,--output", flags->output, "The GGUF file to write")
      .type_name("FILE")
      .required();
  set.add_option("--type", flags->type, "Store matrices as f32, f16, bf16 or q8_0 (as they are)")
      .type_name("TYPE");
  set.add_flag("--force", flags->force, "Replace a file that is there");
  set.add_flag("--json", flags->json, "Print one JSON document; also for errors");
  return [flags](Services& services) { return run_convert(*flags, services); };
}

}  // namespace runed::cmd
