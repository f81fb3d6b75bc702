// Any bytes as llama-server's reply: vectors of unit length for every text, or an error.

#include <cmath>
#include <string_view>

#include "base/check.hpp"
#include "embed/llama_server/protocol/embedding_reply.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kTexts = 2;
  constexpr uint32_t kDimension = 2;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const uint32_t dimension : {kDimension, uint32_t{0}}) {
    const auto vectors = runed::embed::llama_server::read_reply(body, kTexts, dimension);
    if (!vectors) continue;
    const size_t width = vectors->size() / kTexts;
    CHECK(width > 0 && vectors->size() == kTexts * width);
    CHECK(dimension == 0 || width == dimension);
    for (size_t text = 0; text < kTexts; ++text) {
      double squares = 0;
      for (size_t i = 0; i < width; ++i) {
        const double value = (*vectors)[text * width + i];
        squares += value * value;
      }
      CHECK(std::abs(squares - 1) < 1e-5);
    }
  }
  CHECK(!runed::embed::llama_server::read_failure(500, body).empty());
  return 0;
}
