// Any bytes as the files that runed keeps of its own: installed.json, the record of digests and what
// is remembered of a partial file. None may bring it down, and what is read can be written again.

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "base/sha256.hpp"
#include "bootstrap/fetch/partial_file.hpp"
#include "bootstrap/install/installed.hpp"
#include "bootstrap/install/record.hpp"

namespace bootstrap = runed::bootstrap;

namespace {

/// A directory for the whole run; a run writes the same few files again.
const std::string& directory() {
  static const std::string path = [] {
    std::string made = "/tmp/runed-fuzz-XXXXXX";
    CHECK(::mkdtemp(made.data()) != nullptr);
    return made;
  }();
  return path;
}

std::string write(const std::string& name, std::string_view content) {
  std::string path = directory() + "/" + name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

void check_partial(std::string_view text) {
  const std::string digest(64, 'a');
  write("model.partial", "bytes");
  write("model.partial.json", text);
  auto partial = bootstrap::PartialFile::open(directory() + "/model", digest, {});
  CHECK(partial.has_value());
  CHECK(partial->size_bytes() == (partial->origin().has_value() ? 5 : 0));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string path = write("installed.json", text);
  if (const auto installed = bootstrap::Installed::load(path)) {
    CHECK(installed->write(path).has_value());
    const auto again = bootstrap::Installed::load(path);
    CHECK(again.has_value());
    CHECK(again->variants.size() == installed->variants.size());
  }

  const std::string file = write("file", "content");
  const bootstrap::Record record(write("record.json", text));
  record.remember(file, runed::sha256_hex("content"));
  CHECK(record.find(file) == runed::sha256_hex("content"));

  check_partial(text);
  return 0;
}
