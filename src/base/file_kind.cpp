#include "base/file_kind.hpp"

#include <algorithm>
#include <iterator>

#include "base/text.hpp"

namespace runed {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kUnpack = "unpack it first";
constexpr std::string_view kTakeOut = "take its text out first";
constexpr std::string_view kNoText = "give a text: one text a line, in UTF-8";

// What must be there besides, since a text may begin so.
enum class Needs { nothing, broken_utf8, nul };

struct Magic {
  std::string_view bytes;
  FileKind kind;
  Needs needs = Needs::nothing;
  size_t offset = 0;
};

// Source: file(1), magic database; the format's own documents for the last ones.
constexpr Magic kMagics[] = {
    {"\x1F\x8B"sv, {"gzip data", "gzip -dc", ""}},
    {"\x1F\x9D"sv, {"compress data", "gzip -dc", ""}},
    {"\x28\xB5\x2F\xFD"sv, {"zstd data", "zstd -dc", ""}},
    {"\3757zXZ\0"sv, {"xz data", "xz -dc", ""}},
    {"\x04\x22\x4D\x18"sv, {"lz4 data", "lz4 -dc", ""}, Needs::broken_utf8},
    {"1AY&SY"sv, {"bzip2 data", "bzip2 -dc", ""}, Needs::broken_utf8, 4},
    {"PK\3\4"sv, {"a ZIP archive, or a document such as .docx", "", kTakeOut}, Needs::broken_utf8},
    {"7z\xBC\xAF\x27\x1C"sv, {"a 7-Zip archive", "", kUnpack}},
    {"Rar!\x1A\x07"sv, {"a RAR archive", "", kUnpack}, Needs::broken_utf8},
    {"ustar"sv, {"a tar archive", "", kUnpack}, Needs::nul, 257},
    {"%PDF-"sv, {"a PDF document", "", kTakeOut}, Needs::broken_utf8},
    {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv, {"an old Office document, such as .doc", "", kTakeOut}},
    {"\x89PNG\r\n\x1A\n"sv, {"a PNG image", "", kNoText}},
    {"\xFF\xD8\xFF"sv, {"a JPEG image", "", kNoText}},
    {"GIF8"sv, {"a GIF image", "", kNoText}, Needs::nul},
    {"RIFF"sv, {"RIFF data, such as WAV or WebP", "", kNoText}, Needs::nul},
    {"\177ELF"sv, {"an executable", "", kNoText}, Needs::broken_utf8},
    {"SQLite format 3\0"sv, {"an SQLite database", "", kTakeOut}},
    {"\x93NUMPY"sv, {"a NumPy array", "", kNoText}},
    {"\x89HDF\r\n\x1A\n"sv, {"an HDF5 file", "", kNoText}},
    {"PAR1"sv, {"a Parquet file", "", kTakeOut}, Needs::nul},
    {"ARROW1"sv, {"an Arrow file", "", kTakeOut}, Needs::nul},
    {"GGUF"sv, {"a GGUF model", "", kNoText}, Needs::nul},
    {"\x80\x04\x95"sv, {"a Python pickle", "", kNoText}},
};

}  // namespace

std::optional<FileKind> find_file_kind(std::string_view begin) {
  const bool has_nul = begin.find('\0') != std::string_view::npos;
  const bool is_broken = has_nul || find_invalid_utf8(begin).has_value();
  const auto has_more = [&](Needs needs) {
    return needs == Needs::nothing || (needs == Needs::nul ? has_nul : is_broken);
  };
  const auto* const found = std::ranges::find_if(kMagics, [&](const Magic& magic) {
    return begin.size() >= magic.offset && begin.substr(magic.offset).starts_with(magic.bytes) &&
           has_more(magic.needs);
  });
  if (found == std::end(kMagics)) return std::nullopt;
  return found->kind;
}

}  // namespace runed
