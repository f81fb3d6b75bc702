#include "base/base64.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <climits>

namespace runed {

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0 || text.size() > INT_MAX) return std::nullopt;
  if (text.empty()) return std::string();
  // OpenSSL skips white space at both ends, and takes padding for zeros wherever it is.
  if (text.find_first_of(" \t\r\n") != std::string_view::npos) return std::nullopt;
  const size_t padding = text.size() - std::min(text.find('='), text.size());
  if (padding > 2 || (padding == 2 && text.back() != '=')) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int count = ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                      reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()));
  if (count < 0) return std::nullopt;
  bytes.resize(static_cast<size_t>(count) - padding);
  return bytes;
}

}  // namespace runed
