// Any bytes as config.json and as modules.json: what is accepted has keys that a GGUF file can have, and
// folders inside the directory.

#include <span>

#include "base/check.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/hf/directory_files.hpp"
#include "embed/model/hf/hf_architecture.hpp"

using runed::embed::Gguf;
using runed::embed::GgufMetadata;
namespace hf = runed::embed::hf;

namespace {

void read_config(std::span<const std::byte> bytes) {
  const auto json = hf::parse_file(hf::kConfig, bytes);
  if (!json.has_value()) return;
  const auto config = hf::Fields::of(std::string(hf::kConfig), {}, *json);
  if (!config.has_value()) return;
  const auto architecture = hf::get_hf_architecture(*config);
  if (!architecture.has_value()) return;
  GgufMetadata metadata;
  const auto sizes = (*architecture)->read_config({*config, (*architecture)->gguf, metadata});
  if (!sizes.has_value()) {
    CHECK(!sizes.error().message.empty());
    return;
  }
  CHECK(sizes->width > 0 && sizes->layers > 0 && sizes->vocabulary > 0);
  const std::string file = metadata.file();
  CHECK(Gguf::parse(std::as_bytes(std::span(file))).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span bytes = std::as_bytes(std::span(data, size));
  read_config(bytes);
  if (const auto modules = hf::parse_modules(bytes)) {
    for (const hf::Module& module : *modules) {
      CHECK(!module.path.starts_with('/') && !module.path.starts_with('.'));
      CHECK(module.path.find("..") != 0);
    }
  }
  return 0;
}
