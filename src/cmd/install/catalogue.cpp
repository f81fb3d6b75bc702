#include "cmd/install/catalogue.hpp"

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "base/letter_case.hpp"
#include "base/text.hpp"
#include "bootstrap/install/installed.hpp"
#include "bootstrap/install/model_files.hpp"
#include "bootstrap/manifest/published_facts.hpp"
#include "bootstrap/manifest/variant.hpp"
#include "cmd/line/table.hpp"
#include "embed/model/builtin_model.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/model_file.hpp"

namespace runed::cmd {
namespace {

constexpr const char* kNothing = "-";

CatalogueEntry entry_of(const bootstrap::Manifest& manifest, const std::string& variant) {
  const bootstrap::PublishedModel model = manifest.describe(variant);
  const auto artifact = manifest.model(variant);
  return {.variant = variant,
          .architecture = model.architecture,
          .dimensions = model.dimensions,
          .min_dimensions = model.min_dimensions,
          .max_tokens = model.max_tokens,
          .size_bytes = artifact ? artifact->size_bytes : 0,
          .license = model.license,
          .description = model.description,
          .is_reranker = embed::find_pooling(model.pooling) == embed::Pooling::rank,
          .is_default = variant == manifest.default_model(),
          .is_own = model.is_own};
}

// What the file says. One that cannot be read or recognised says nothing: `verify` and `doctor` tell why.
void read_header(const embed::ModelSource& source, std::string_view sha256,
                 const bootstrap::Manifest& manifest, CatalogueEntry& entry) {
  const auto file = embed::ModelFile::open(source);
  if (!file) return;
  entry.size_bytes = (*file)->size_bytes();
  const auto gguf = (*file)->gguf_metadata();
  if (!gguf) return;
  if (const auto license = gguf->string_value("general.license")) {
    entry.license = printable(*license);
  }
  if (const auto architecture = gguf->string_value("general.architecture")) {
    entry.architecture = printable(*architecture);
  }
  const auto spec =
      embed::recognise_model(*gguf, sha256, bootstrap::to_facts(manifest.published_models()));
  if (!spec) return;
  entry.is_reranker = spec->pooling.value == embed::Pooling::rank;
  entry.dimensions = entry.is_reranker ? 0 : spec->dimension();
  entry.min_dimensions = entry.is_reranker ? 0 : spec->min_dimensions.value;
  entry.max_tokens = spec->longest_text();
}

std::string describe_dimensions(const CatalogueEntry& entry) {
  if (entry.is_reranker) return "score";
  if (entry.dimensions == 0) return kNothing;
  if (entry.min_dimensions == 0) return std::to_string(entry.dimensions);
  return fmt::format("{}-{}", entry.min_dimensions, entry.dimensions);
}

std::string text_or_nothing(const std::string& text) {
  return text.empty() ? kNothing : escape_invalid_utf8(text);
}

}  // namespace

Result<std::vector<CatalogueEntry>> list_catalogue(const bootstrap::Paths& paths,
                                                   const bootstrap::Manifest& manifest) {
  TRY_ASSIGN(const auto there, bootstrap::installed_variants(paths));
  const auto installed = bootstrap::Installed::load(paths.installed_file);
  std::vector<CatalogueEntry> entries;
  for (const std::string& variant : manifest.variants()) {
    entries.push_back(entry_of(manifest, variant));
    entries.back().is_installed = std::ranges::find(there, variant) != there.end();
  }
  for (const std::string& variant : there) {
    if (std::ranges::find(entries, variant, &CatalogueEntry::variant) != entries.end()) continue;
    CatalogueEntry entry{.variant = variant, .is_installed = true};
    std::string sha256;
    if (installed && installed->variants.contains(variant)) {
      sha256 = installed->variants.at(variant).sha256;
      entry.is_own = installed->variants.at(variant).is_own;
    }
    read_header({.bytes = {}, .path = bootstrap::model_path(paths, variant)}, sha256, manifest,
                entry);
    entries.push_back(std::move(entry));
  }
  CatalogueEntry builtin{.variant = bootstrap::builtin_variant(),
                         .description = "In the executable",
                         .is_installed = true};
  read_header({.bytes = embed::builtin_model(), .path = {}}, embed::builtin_model_sha256(),
              manifest, builtin);
  entries.push_back(std::move(builtin));
  return entries;
}

bool is_about(const CatalogueEntry& entry, std::string_view word) {
  const std::string wanted = in_lower_case(word);
  const std::array<const std::string*, 4> said{&entry.variant, &entry.architecture, &entry.license,
                                               &entry.description};
  return std::ranges::any_of(said, [&wanted](const std::string* text) {
    return in_lower_case(*text).find(wanted) != std::string::npos;
  });
}

Json to_json(const CatalogueEntry& entry) {
  const auto number_or_null = [](uint32_t number) { return number == 0 ? Json() : Json(number); };
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? Json() : Json(escape_invalid_utf8(text));
  };
  return {{"variant", escape_invalid_utf8(entry.variant)},
          {"architecture", text_or_null(entry.architecture)},
          {"dimensions", number_or_null(entry.dimensions)},
          {"min_dimensions", number_or_null(entry.min_dimensions)},
          {"max_tokens", number_or_null(entry.max_tokens)},
          {"size_bytes", entry.size_bytes},
          {"license", text_or_null(entry.license)},
          {"description", text_or_null(entry.description)},
          {"reranker", entry.is_reranker},
          {"own", entry.is_own},
          {"installed", entry.is_installed},
          {"default", entry.is_default}};
}

std::string format_catalogue(const std::vector<CatalogueEntry>& entries, size_t terminal_columns) {
  std::vector<Row> rows{
      {"NAME", "ARCHITECTURE", "DIMENSIONS", "MAX TOKENS", "SIZE", "LICENCE", "STATE"}};
  for (const CatalogueEntry& entry : entries) {
    const std::string state = entry.is_own         ? "installed, own"
                              : entry.is_installed ? "installed"
                                                   : "not installed";
    rows.push_back({escape_invalid_utf8(entry.variant), text_or_nothing(entry.architecture),
                    describe_dimensions(entry),
                    entry.max_tokens == 0 ? kNothing : std::to_string(entry.max_tokens),
                    entry.size_bytes == 0 ? kNothing : format_bytes(entry.size_bytes),
                    text_or_nothing(entry.license),
                    entry.is_default ? state + ", default" : state});
  }
  return to_table(rows, terminal_columns);
}

}  // namespace runed::cmd
