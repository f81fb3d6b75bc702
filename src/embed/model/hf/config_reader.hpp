#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "embed/model/gguf_metadata.hpp"
#include "embed/model/hf/json_fields.hpp"

namespace runed::embed::hf {

/// config.json on its way to the keys of one architecture of GGUF. What would change the arithmetic,
/// and is not served, is refused by its key.
class ConfigReader {
 public:
  /// Names of one value; the first that is there counts.
  using Names = std::initializer_list<std::string_view>;

  /// Borrows all.
  ConfigReader(const Fields& config, std::string_view architecture, GgufMetadata& metadata)
      : config_(config), architecture_(architecture), metadata_(metadata) {}

  /// Reads a value. Errors: model_corrupt if it is of another type, or missing.
  Result<uint32_t> get_size(Names names) const;
  Result<uint32_t> get_size_or(Names names, uint32_t fallback) const;
  Result<uint32_t> get_count_or(Names names, uint32_t fallback) const;  // May be 0.
  Result<double> get_number_or(Names names, double fallback) const;
  Result<std::string> get_text_or(Names names, std::string_view fallback) const;

  /// Checks that a value is this one; missing, it is.
  /// Errors: model_unsupported.
  Status expect(std::string_view key, std::string_view text) const;
  Status expect(std::string_view key, double number) const;
  Status expect_off(Names flags) const;
  Status expect_none(Names keys) const;

  /// Checks that weights are plain numbers.
  Status expect_plain_weights() const;

  /// Reads the base of a rotary position embedding without any scaling: of a kind of layers, where
  /// transformers 5 wrote config.json and has one for each.
  Result<double> get_rope_base(Names names, std::string_view layers, double fallback) const;

  /// Adds a value of the architecture: `block_count`.
  template <typename Value>
  void add(std::string_view name, const Value& value) const {
    metadata_.add(std::string(architecture_).append(".").append(name), value);
  }

  const Fields& config() const { return config_; }
  GgufMetadata& metadata() const { return metadata_; }

 private:
  const std::string_view* find(Names names) const;
  Error refuse(std::string_view key, std::string_view expected) const;

  const Fields& config_;
  std::string_view architecture_;
  GgufMetadata& metadata_;
};

/// Finds which layers see all tokens: one of so many, from the first of them on.
struct GlobalLayers {
  uint32_t period = 0;
  uint32_t first = 0;
};

/// Reads `layer_types`, or nothing where it is missing.
/// Errors: model_unsupported where the layers that see all come at no fixed distance.
Result<std::optional<GlobalLayers>> read_layer_types(const ConfigReader& config, uint32_t layers);

}  // namespace runed::embed::hf
