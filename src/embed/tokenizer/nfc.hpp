#pragma once

#include <string>
#include <string_view>

namespace runed::embed {

/// Brings text to Unicode normalisation form C, as the reference tokenizers do: that of Unicode 9.
/// Needs:  well-formed UTF-8.
/// Owns:   nothing; the result is `text` itself or a view of `storage`. n log n at worst.
/// Source: Unicode Standard Annex 15.
std::string_view to_nfc(std::string_view text, std::string& storage);

}  // namespace runed::embed
