#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"

namespace runed::embed::hf {

/// Parses a JSON file of a model directory; `file` is its name there.
/// Errors: model_corrupt naming the file.
Result<Json> parse_file(std::string_view file, std::span<const std::byte> bytes);

/// The members of one JSON object, with their file and place in every error. Borrows the object.
class Fields {
 public:
  /// Errors: model_corrupt if it is not an object. `place` is where it is in the file; empty: it is
  ///         the file.
  static Result<Fields> of(std::string file, std::string place, const Json& json);

  /// Tells whether there is a member of this name that is not null.
  bool has(std::string_view key) const { return find(key) != nullptr; }
  const Json* find(std::string_view key) const;

  /// Reads a member.
  /// Errors: model_corrupt if it is of another type, or missing.
  Result<uint32_t> get_size(std::string_view key) const;  // From 1 on.
  Result<std::string> get_text(std::string_view key) const;
  Result<const Json*> get_array(std::string_view key) const;
  Result<Fields> get_object(std::string_view key) const;

  /// The same of one that need not be there.
  Result<std::optional<double>> find_number(std::string_view key) const;
  Result<std::optional<bool>> find_flag(std::string_view key) const;
  Result<std::optional<std::string>> find_text(std::string_view key) const;
  Result<std::optional<Fields>> find_object(std::string_view key) const;

  /// What an error calls a member: `tokenizer.json: key 'model.type'`.
  std::string place_of(std::string_view key) const;

  const std::string& file() const { return file_; }
  const Json& json() const { return *json_; }

 private:
  Fields(std::string file, std::string place, const Json& json)
      : file_(std::move(file)), place_(std::move(place)), json_(&json) {}

  Error unexpected(std::string_view key, std::string_view expected) const;
  Error missing(std::string_view key) const;
  std::string inner(std::string_view key) const;

  std::string file_;
  std::string place_;
  const Json* json_;
};

/// What is wrong with a directory: its bytes, or that nobody here computes what they say.
Error damaged(std::string message);
Error not_served(std::string message, std::string hint = {});

}  // namespace runed::embed::hf
