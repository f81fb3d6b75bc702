#include "embed/model/convert.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/sha256.hpp"
#include "base/text.hpp"
#include "embed/model/gguf_writer.hpp"
#include "embed/model/model_file.hpp"
#include "os/file/atomic_file.hpp"
#include "os/file/files.hpp"

namespace runed::embed {
namespace {

constexpr unsigned kMode = 0644;  // A model is no secret.

constexpr std::array<std::pair<std::string_view, TensorType>, 4> kTypes{{
    {"f32", TensorType::f32},
    {"f16", TensorType::f16},
    {"bf16", TensorType::bf16},
    {"q8_0", TensorType::q8_0},
}};

Result<ConvertedFile> write(const ModelFile& model, const Conversion& conversion) {
  TRY_ASSIGN(const Gguf gguf, model.gguf());
  TRY_ASSIGN(os::AtomicFile file, os::AtomicFile::create(conversion.target, kMode));
  ConvertedFile converted{.tensors = gguf.tensors().size()};
  Sha256 hash;
  TRY(write_gguf(gguf, conversion.type, [&](std::string_view bytes) {
    converted.size_bytes += bytes.size();
    hash.update(std::as_bytes(std::span(bytes)));
    return file.write(bytes);
  }));
  TRY(model.check_unchanged());
  TRY(file.commit());
  converted.sha256 = hash.finish();
  return converted;
}

}  // namespace

std::vector<std::string> conversion_types() {
  std::vector<std::string> names;
  for (const auto& [name, type] : kTypes) names.emplace_back(name);
  return names;
}

Result<TensorType> parse_conversion_type(std::string_view text) {
  const auto* found = std::ranges::find(kTypes, text, [](const auto& each) { return each.first; });
  if (found != kTypes.end()) return found->second;
  return make_error(ErrorCode::usage, "--type: '{}' is none that can be written", printable(text))
      .with_hint(fmt::format("there are: {}", fmt::join(conversion_types(), ", ")));
}

Result<ConvertedFile> convert_model(const Conversion& conversion) {
  if (!conversion.may_replace && os::is_taken(conversion.target)) {
    return make_error(ErrorCode::usage, "'{}' is there already", conversion.target)
        .with_hint("give it another name, or have it replaced with --force");
  }
  const ModelSource source{.bytes = {}, .path = conversion.source};
  TRY_ASSIGN(const auto model, ModelFile::open(source));
  auto converted = write(*model, conversion);
  if (converted) return converted;
  // What was found in files that changed meanwhile is no fault of theirs.
  TRY(model->check_unchanged());
  const bool is_of_model = converted.error().code == ErrorCode::model_corrupt ||
                           converted.error().code == ErrorCode::model_unsupported ||
                           converted.error().code == ErrorCode::model_missing;
  return is_of_model ? about(source, std::move(converted).error()) : converted;
}

}  // namespace runed::embed
