#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "bootstrap/config/environment.hpp"

namespace runed::bootstrap {

/// Where a URL leads.
enum class UrlKind { https, http, file };

/// Tells the kind of a URL; an absolute path is a file.
/// Errors: invalid_argument for any other scheme, and for what is no URL.
Result<UrlKind> kind_of_url(std::string_view url);

/// Returns the path of a URL of kind `file`, with its percent signs decoded.
std::string path_of_file_url(std::string_view url);

/// Formats a URL for messages: without user and password, query and fragment, which may be secrets.
std::string display_url(std::string_view url);

/// Takes user and password out of each place in a text, such as an error of libcurl's, where the value
/// of a proxy variable stands.
std::string without_proxy_secrets(std::string text, const Environment& environment);

}  // namespace runed::bootstrap
