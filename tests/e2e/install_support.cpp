#include "install_support.hpp"

#include <cstdlib>

#include "base/sha256.hpp"
#include "bootstrap/archive/tar_writer.hpp"
#include "bootstrap/manifest/manifest.hpp"
#include "support/result_matchers.hpp"

namespace runed::test {
namespace {

std::string make_archive() {
  const TempDir dir;
  unwrap(bootstrap::write_tar(
      dir / "server.tar",
      {{.name = "build/bin/llama-server",
        .content_path = {},
        .content = "#!/bin/sh\necho a llama-server\n"},
       {.name = "build/bin/libllama.so", .content_path = {}, .content = std::string(200'000, 'l')}},
      {}));
  return read_text(dir / "server.tar");
}

// A body that begins as a model does, and is none.
HttpBody random_model(uint64_t size_bytes) {
  const HttpBody random = random_body(size_bytes);
  return {size_bytes, [random](uint64_t offset, std::span<char> out) {
            constexpr std::string_view kMagic("GGUF\3\0\0\0", 8);
            random.fill(offset, out);
            for (uint64_t i = offset; i < kMagic.size() && i - offset < out.size(); ++i) {
              out[i - offset] = kMagic[i];
            }
          }};
}

}  // namespace

Mirror::Mirror()
    : small(text_body(read_text(RUNED_TEST_DATA_UNPACKED "/qwen3-3x256.q8_0.gguf"))),
      large(random_model(kLargeBytes)),
      archive(text_body(make_archive())),
      small_sha256_(sha256_of(small)) {
  const std::string platform(bootstrap::platform_name());
  document = {{"version", 1},
              {"platforms",
               {{platform,
                 {{"llama_server",
                   {{"url", server.url("/server.tar.gz")},
                    {"sha256", sha256_of(archive)},
                    {"size", archive.size_bytes},
                    {"extract", "tar.gz"},
                    {"exec", "build/bin/llama-server"}}}}}}},
              {"models",
               {{"tiny.q8_0",
                 {{"url", server.url("/tiny.gguf")},
                  {"sha256", small_sha256_},
                  {"size", small.size_bytes}}},
                {"large.f16",
                 {{"url", server.url("/large.gguf")},
                  {"sha256", sha256_of(large)},
                  {"size", large.size_bytes}}}}},
              {"default_model", "tiny.q8_0"}};
  server.reply("/server.tar.gz", {.body = archive});
  server.reply("/tiny.gguf", {.body = small, .etag = "\"tiny\""});
  server.reply("/large.gguf", {.body = large, .etag = "\"large\""});
  publish();
}

void Mirror::publish() {
  server.reply("/manifest.json", {.body = text_body(to_line(document))});
}

}  // namespace runed::test
