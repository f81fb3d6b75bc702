// What each architecture reads of config.json: one value of the tiny models is changed at a time.
#include "embed/model/hf/hf_architecture.hpp"

#include <string>

#include "support/model_directory.hpp"
#include "support/result_matchers.hpp"
#include "support/tiny_model.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Json;
using runed::test::ModelDirectory;
using runed::test::tiny_path;
using runed::test::unwrap_error;

namespace {

// The refusal of a tiny model whose config.json has another value.
std::string refusal(const std::string& name, const std::string& key, const Json& value) {
  ModelDirectory directory(tiny_path(name));
  directory.edit("config.json", [&](Json& json) { json[key] = value; });
  return unwrap_error(directory.read()).message;
}

struct Change {
  const char* model;
  const char* key;
  Json value;
  const char* found;     // As the error quotes it.
  const char* expected;  // The only value that is served.
};

}  // namespace

TEST_CASE("what would change the arithmetic of an architecture is refused by its key") {
  const Change changes[] = {
      {"distilbert", "activation", "relu", "'relu'", "'gelu'"},
      {"roberta", "position_embedding_type", "rotary", "'rotary'", "'absolute'"},
      {"xlmr-mean", "hidden_act", "silu", "'silu'", "'gelu'"},
      {"mpnet", "hidden_act", "gelu_new", "'gelu_new'", "'gelu'"},
      {"nomic", "num_experts", 8, "8", "0"},
      {"nomic", "prenorm", true, "true", "false"},
      {"nomic", "qkv_proj_bias", true, "true", "false"},
      {"nomic", "rotary_emb_fraction", 0.5, "0.5", "1"},
      {"nomic", "activation_function", "geglu", "'geglu'", "'swiglu'"},
      {"jina-v3", "hidden_act", "silu", "'silu'", "'gelu'"},
      {"modernbert-cls", "norm_bias", true, "true", "false"},
      {"modernbert-silu", "mlp_bias", true, "true", "false"},
      {"gte", "layer_norm_type", "rms_norm", "'rms_norm'", "'layer_norm'"},
      {"gte", "logn_attention_scale", true, "true", "false"},
      {"gte", "position_embedding_type", "absolute", "'absolute'", "'rope'"},
      {"gemma", "hidden_activation", "gelu", "'gelu'", "'gelu_pytorch_tanh'"},
      {"gemma", "query_pre_attn_scalar", 256, "256", "32"},
      {"gemma", "attn_logit_softcapping", 50.0, "50.0", "null"},
      {"eurobert", "mlp_bias", true, "true", "false"},
      {"qwen2", "use_sliding_window", true, "true", "false"},
      {"qwen3", "hidden_act", "gelu", "'gelu'", "'silu'"},
      {"qwen3", "attention_bias", true, "true", "false"},
  };
  for (const Change& each : changes) {
    INFO(each.model);
    CHECK(refusal(each.model, each.key, each.value) ==
          fmt::format("config.json: key '{}' is {}, and only {} is served", each.key, each.found,
                      each.expected));
  }
  CHECK(refusal("gemma", "use_bidirectional_attention", false) ==
        "config.json: key 'use_bidirectional_attention' is not true: it is no embedding model");
  CHECK(refusal("gte", "rope_scaling", {{"type", "dynamic"}, {"factor", 2.0}}) ==
        "config.json: key 'rope_scaling' is {\"type\":\"dynamic\",\"factor\":2.0}, and only 'ntk' "
        "with a factor from 1 on is served");
  CHECK(refusal("jina-v3", "rope_parameters", {{"rope_type", "yarn"}, {"rope_theta", 1.0}}) ==
        "config.json: key 'rope_parameters.rope_type' is 'yarn', and only 'default' is served");
  CHECK(refusal("jina-v3", "rope_parameters", {{"partial_rotary_factor", 0.5}}) ==
        "config.json: key 'rope_parameters.partial_rotary_factor' is 0.5, and only 1 is served");
  CHECK(refusal("gte", "type_vocab_size", 0.5) ==
        "config.json: key 'type_vocab_size' is 0.5 where a whole number from 0 to 16777216 was "
        "expected");
  CHECK(refusal("qwen3", "rope_scaling", {{"type", "yarn"}}) ==
        "config.json: key 'rope_scaling' is {\"type\":\"yarn\"}, and only null is served");
}

TEST_CASE("layers that see all tokens have to come at a fixed distance") {
  const Json full = "full_attention";
  const Json local = "sliding_attention";
  const std::string irregular =
      "config.json: key 'layer_types' has layers that come at no fixed distance, or of other kinds";
  for (const Json& types :
       {Json::array({full, local, full, full}), Json::array({full, local, local}),
        Json::array({full, local, local, "chunked_attention"})}) {
    CHECK(refusal("modernbert-silu", "layer_types", types) == irregular);
  }
  CHECK(refusal("modernbert-silu", "layer_types", Json::array({local, full, local, full})) ==
        "config.json: key 'layer_types' begins with a layer that does not see all tokens");
  CHECK(
      refusal("gemma", "layer_types", Json::array({full, local, full, local, full, local, full})) ==
      "config.json: key 'layer_types' has not the last layer of each period see all tokens");
}

TEST_CASE("positions that are all padding, and heads that do not divide, are damage") {
  CHECK(refusal("roberta", "pad_token_id", 98) ==
        "config.json: key 'pad_token_id' is 98, and there are 98 positions");
  CHECK(refusal("mpnet", "max_position_embeddings", 2) ==
        "config.json: key 'max_position_embeddings' is 2, of which 2 are padding");
  CHECK(refusal("modernbert-cls", "num_attention_heads", 3) ==
        "config.json: key 'hidden_size' is 32, which 3 heads do not divide");
}
