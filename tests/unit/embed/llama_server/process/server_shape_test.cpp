#include "embed/llama_server/process/server_shape.hpp"

#include <algorithm>

#include "support/catch.hpp"

using runed::embed::llama_server::cache_bytes;
using runed::embed::llama_server::Endpoint;
using runed::embed::llama_server::fit_batch_tokens;
using runed::embed::llama_server::fit_shape;
using runed::embed::llama_server::make_arguments;
using runed::embed::llama_server::ModelDescription;
using runed::embed::llama_server::Profile;
using runed::embed::llama_server::ServerCommand;
using runed::embed::llama_server::ServerFeatures;
using runed::embed::llama_server::ServerShape;

namespace {

class NoTokenizer final : public runed::embed::Tokenizer {
 public:
  runed::Result<std::vector<runed::embed::TokenId>> tokenize(std::string_view) const override {
    return std::vector<runed::embed::TokenId>{};
  }
};

const ModelDescription kModel{
    .spec = {.name = "m",
             .architecture = "qwen3",
             .width = 1024,
             .pooling = {runed::embed::Pooling::last, runed::embed::FactSource::model_file}},
    .context = 32768};
const ServerFeatures kOld{.flags = {"--model"}};

ServerFeatures current() {
  return {.flags = {"--kv-unified", "--no-cache-prompt", "--cache-ram", "--no-warmup", "--no-webui",
                    "--no-ui", "--no-slots", "--offline", "--threads-http", "--no-repack"},
          .has_unix_sockets = true,
          .has_log_levels = true};
}

std::vector<std::string> arguments(const ServerFeatures& features, Profile profile,
                                   uint32_t longest = 0, ModelDescription model = kModel,
                                   const Endpoint& endpoint = {.socket_path = "/d/x.sock"}) {
  const ServerCommand command{
      .executable = "/bin/server", .model_path = "/m.gguf", .threads = 3, .profile = profile};
  return make_arguments(command, model, features,
                        fit_shape(model, features, profile, {.longest_text = longest}), endpoint);
}

bool has(const std::vector<std::string>& all, const std::vector<std::string>& part) {
  return std::ranges::search(all, part).begin() != all.end();
}

}  // namespace

TEST_CASE("the context is small until a text needs more, and leaves a token free") {
  const ServerFeatures features = current();
  CHECK(fit_shape(kModel, features, Profile::speed, {.longest_text = 0}).context == 2048);
  CHECK(fit_shape(kModel, features, Profile::speed, {.longest_text = 2047}).context == 2048);
  CHECK(fit_shape(kModel, features, Profile::speed, {.longest_text = 2048}).context == 2304);
  CHECK(fit_shape(kModel, features, Profile::speed, {.longest_text = 32768}).context == 33024);
}

TEST_CASE("the context of a small model is no larger than a pass") {
  ModelDescription small = kModel;
  small.context = 512;
  CHECK(fit_shape(small, current(), Profile::speed, {}).context == 768);
}

TEST_CASE("a pass fits into the context in every profile") {
  ServerFeatures gpu = current();
  gpu.has_gpu = true;
  for (const ServerFeatures& features : {current(), gpu}) {
    for (const Profile profile : {Profile::speed, Profile::lowmem}) {
      const ServerShape shape = fit_shape(kModel, features, profile, {});
      CHECK(shape.context >= shape.batch_tokens);
      CHECK(shape.batch_tokens == fit_batch_tokens(features, profile));
      CHECK(shape.batch_tokens <= 2 * shape.request_tokens);
    }
  }
}

TEST_CASE("the command line of the speed profile") {
  CHECK(arguments(current(), Profile::speed) == std::vector<std::string>{"/bin/server",
                                                                         "--model",
                                                                         "/m.gguf",
                                                                         "--embeddings",
                                                                         "--pooling",
                                                                         "last",
                                                                         "--ctx-size",
                                                                         "2048",
                                                                         "--batch-size",
                                                                         "512",
                                                                         "--ubatch-size",
                                                                         "512",
                                                                         "--parallel",
                                                                         "32",
                                                                         "--kv-unified",
                                                                         "--threads",
                                                                         "3",
                                                                         "--no-cache-prompt",
                                                                         "--cache-ram",
                                                                         "0",
                                                                         "--no-warmup",
                                                                         "--no-ui",
                                                                         "--no-slots",
                                                                         "--offline",
                                                                         "--threads-http",
                                                                         "4",
                                                                         "--log-verbosity",
                                                                         "2",
                                                                         "--host",
                                                                         "/d/x.sock"});
}

TEST_CASE("the lowmem profile has the predecessor's flags") {
  const auto all = arguments(current(), Profile::lowmem);
  CHECK(has(all, {"--parallel", "1"}));
  CHECK(has(all, {"--batch-size", "256", "--ubatch-size", "256"}));
  CHECK(has(all, {"--no-repack", "--cache-type-k", "q8_0", "--cache-type-v", "q8_0"}));
}

TEST_CASE("a build gets no flag that it does not know") {
  const auto all = arguments(kOld, Profile::speed, 0, kModel, {.port = 0});
  CHECK_FALSE(has(all, {"--kv-unified"}));
  CHECK_FALSE(has(all, {"--cache-ram"}));
  CHECK_FALSE(has(all, {"--log-verbosity"}));
  CHECK(has(all, {"--host", "127.0.0.1", "--port", "0"}));
}

TEST_CASE("a text as long as the model's context is let through, where the model is known") {
  CHECK_FALSE(has(arguments(current(), Profile::speed, 32768), {"--override-kv"}));
  ModelDescription known = kModel;
  known.tokenizer = std::make_shared<NoTokenizer>();
  CHECK_FALSE(has(arguments(current(), Profile::speed, 32767, known), {"--override-kv"}));
  CHECK(has(arguments(current(), Profile::speed, 32768, known),
            {"--override-kv", "qwen3.context_length=int:33024"}));
}

TEST_CASE("a GPU gets all layers from a build that does not fit them by itself") {
  ServerFeatures features = current();
  features.has_gpu = true;
  features.flags.insert("--n-gpu-layers");
  CHECK(has(arguments(features, Profile::speed), {"--n-gpu-layers", "999"}));
  features.flags.insert("--fit");
  CHECK_FALSE(has(arguments(features, Profile::speed), {"--n-gpu-layers"}));
}

TEST_CASE("a build that would share the context out gets one slot") {
  CHECK(has(arguments(kOld, Profile::speed), {"--parallel", "1"}));
}

TEST_CASE("a build that cannot cut a text computes as much as its context takes at a time") {
  const ServerShape shape =
      fit_shape(kModel, current(), Profile::speed, {.longest_text = 5000, .computes_whole = true});
  CHECK(shape.ubatch == shape.context);
  CHECK(shape.context == 5120);
}

TEST_CASE("the cache of Qwen3-Embedding-0.6B is 112 KiB a token, and about half in q8_0") {
  ModelDescription model = kModel;
  model.cell_bytes = 28 * 8 * 128 * 2 * 2;
  const ServerShape shape{.context = 2048};
  CHECK(cache_bytes(model, shape, Profile::speed) == 2048 * 112 * 1024);
  CHECK(cache_bytes(model, shape, Profile::lowmem) == 2048 * 112 * 1024 / 64 * 34);
}

TEST_CASE("the server pools as the model is known to, whoever knows it") {
  using runed::embed::Pooling;
  ModelDescription model = kModel;
  for (const Pooling pooling : {Pooling::mean, Pooling::cls, Pooling::last}) {
    model.spec.pooling.value = pooling;
    CHECK(has(arguments(current(), Profile::speed, 0, model),
              {"--pooling", std::string(name_of(pooling))}));
  }
}
