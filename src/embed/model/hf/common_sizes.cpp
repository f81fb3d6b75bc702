#include "embed/model/hf/common_sizes.hpp"

#include "base/text.hpp"

namespace runed::embed::hf {

Status divide_heads(const ConfigReader& config, ModelSizes& sizes) {
  if (sizes.width % sizes.heads != 0) {
    return damaged(fmt::format("{} is {}, which {} heads do not divide",
                               config.config().place_of("hidden_size"), sizes.width, sizes.heads));
  }
  sizes.kv_heads = sizes.heads;
  sizes.head_width = sizes.width / sizes.heads;
  return {};
}

Result<ModelSizes> read_encoder_sizes(const ConfigReader& config) {
  TRY(config.expect("position_embedding_type", "absolute"));
  TRY(config.expect("hidden_act", "gelu"));
  TRY(config.expect_off({"is_decoder", "add_cross_attention"}));
  TRY(config.expect_plain_weights());
  ModelSizes sizes;
  TRY_ASSIGN(sizes.vocabulary, config.get_size({"vocab_size"}));
  TRY_ASSIGN(sizes.width, config.get_size({"hidden_size"}));
  TRY_ASSIGN(sizes.ff_width, config.get_size({"intermediate_size"}));
  TRY_ASSIGN(sizes.layers, config.get_size({"num_hidden_layers"}));
  TRY_ASSIGN(sizes.positions, config.get_size({"max_position_embeddings"}));
  TRY_ASSIGN(sizes.heads, config.get_size({"num_attention_heads"}));
  TRY(divide_heads(config, sizes));
  return sizes;
}

Result<ModelSizes> read_decoder_sizes(const ConfigReader& config) {
  ModelSizes sizes;
  TRY_ASSIGN(sizes.vocabulary, config.get_size({"vocab_size"}));
  TRY_ASSIGN(sizes.width, config.get_size({"hidden_size"}));
  TRY_ASSIGN(sizes.ff_width, config.get_size({"intermediate_size"}));
  TRY_ASSIGN(sizes.layers, config.get_size({"num_hidden_layers"}));
  TRY_ASSIGN(sizes.heads, config.get_size({"num_attention_heads"}));
  TRY_ASSIGN(sizes.kv_heads, config.get_size_or({"num_key_value_heads"}, sizes.heads));
  TRY_ASSIGN(sizes.head_width, config.get_size_or({"head_dim"}, sizes.width / sizes.heads));
  TRY_ASSIGN(sizes.positions, config.get_size({"max_position_embeddings"}));
  return sizes;
}

void add_sizes(const ConfigReader& config, const ModelSizes& sizes) {
  config.add("block_count", sizes.layers);
  config.add("context_length", sizes.positions);
  config.add("embedding_length", sizes.width);
  config.add("feed_forward_length", sizes.ff_width);
  config.add("attention.head_count", sizes.heads);
}

}  // namespace runed::embed::hf
