#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.hpp"
#include "base/result.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/manifest/manifest.hpp"

namespace runed::cmd {

/// One model that can be installed, or is. What nobody says of it is empty or 0.
struct CatalogueEntry {
  std::string variant;
  std::string architecture;
  uint32_t dimensions = 0;  // 0 also for a reranker, which has none.
  uint32_t min_dimensions = 0;
  uint32_t max_tokens = 0;
  uint64_t size_bytes = 0;
  std::string license;
  std::string description;
  bool is_reranker = false;
  bool is_installed = false;
  bool is_default = false;  // Of the manifest: what is installed where none is named.
  bool is_own = false;      // Installed from a file, a directory or a URL of one's own.
};

/// Lists the models of a manifest, in its order, then what is in models/ besides, and the model in the
/// executable. Of what no manifest describes the header of its file does.
/// Errors: those of installed_variants.
Result<std::vector<CatalogueEntry>> list_catalogue(const bootstrap::Paths& paths,
                                                   const bootstrap::Manifest& manifest);

/// Tells whether a word is in what is said of a model for people: its name, architecture, licence or
/// description, in whatever case.
bool is_about(const CatalogueEntry& entry, std::string_view word);

Json to_json(const CatalogueEntry& entry);

/// Formats the table for people; `terminal_columns` as to_table takes it.
std::string format_catalogue(const std::vector<CatalogueEntry>& entries, size_t terminal_columns);

}  // namespace runed::cmd
