#include "bootstrap/install/model_check.hpp"

#include "bootstrap/manifest/published_facts.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/model_file.hpp"

namespace runed::bootstrap {

Status check_recognised(const std::string& path, const std::string& sha256,
                        const std::vector<PublishedModel>& published) {
  const embed::ModelSource source{.bytes = {}, .path = path};
  TRY_ASSIGN(const auto file, embed::ModelFile::open(source));
  const auto gguf = file->gguf_metadata();
  if (!gguf) return {};
  const auto spec = embed::recognise_model(*gguf, sha256, to_facts(published));
  if (spec) return {};
  return embed::about(source, spec.error());
}

}  // namespace runed::bootstrap
