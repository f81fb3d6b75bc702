#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/json_fwd.hpp"
#include "base/result.hpp"

namespace runed::bootstrap {

/// Names a value's type for an error: `a string`, `an object`, `null`.
std::string describe_type(const Json& value);

/// Returns the text under a key of an object; empty if there is none.
std::string text_of(const Json& object, const char* key);

/// Serialises on many lines, for a file that people may read.
std::string to_document(const Json& json);

/// Reads the text of a document.
/// Errors: as os::read_file; what is too large or no regular file is bad_config, with this hint.
Result<std::string> read_document(const std::string& path, size_t max_bytes,
                                  const std::string& hint);

/// Parses a document that must be an object of this version.
/// Errors: bad_config: `cannot use '<name>': version: expected 1, found 2`. A version that is absent
///         is taken for `version`.
Result<Json> parse_document(std::string_view text, const std::string& name, int version);

/// Makes that error.
Error bad_document(const std::string& name, std::string_view why);

}  // namespace runed::bootstrap
