// MPNet as transformers has it: transformers/models/mpnet.

#include <array>

#include "base/text.hpp"
#include "embed/model/hf/common_sizes.hpp"

namespace runed::embed::hf {
namespace {

using namespace size;

constexpr uint32_t kPaddingRows = 2;  // Its code has padding at 1, whatever config.json says.

constexpr std::array kTensors{
    NameRow{"embeddings.word_embeddings.weight", "token_embd.weight", kVocabulary, kWidth},
    NameRow{"embeddings.position_embeddings.weight", "position_embd.weight", kPositionRows, kWidth,
            Needed::always, Change::without_padding},
    NameRow{"embeddings.LayerNorm.weight", "token_embd_norm.weight", nullptr, kWidth},
    NameRow{"embeddings.LayerNorm.bias", "token_embd_norm.bias", nullptr, kWidth},
    NameRow{"encoder.relative_attention_bias.weight", "attn_rel_b.weight", kBuckets, kHeads},
};
constexpr std::array kLayerTensors{
    NameRow{"attention.attn.q.weight", "attn_q.weight", kWidth, kWidth},
    NameRow{"attention.attn.q.bias", "attn_q.bias", nullptr, kWidth},
    NameRow{"attention.attn.k.weight", "attn_k.weight", kWidth, kWidth},
    NameRow{"attention.attn.k.bias", "attn_k.bias", nullptr, kWidth},
    NameRow{"attention.attn.v.weight", "attn_v.weight", kWidth, kWidth},
    NameRow{"attention.attn.v.bias", "attn_v.bias", nullptr, kWidth},
    NameRow{"attention.attn.o.weight", "attn_output.weight", kWidth, kWidth},
    NameRow{"attention.attn.o.bias", "attn_output.bias", nullptr, kWidth},
    NameRow{"attention.LayerNorm.weight", "attn_output_norm.weight", nullptr, kWidth},
    NameRow{"attention.LayerNorm.bias", "attn_output_norm.bias", nullptr, kWidth},
    NameRow{"intermediate.dense.weight", "ffn_up.weight", kFf, kWidth},
    NameRow{"intermediate.dense.bias", "ffn_up.bias", nullptr, kFf},
    NameRow{"output.dense.weight", "ffn_down.weight", kWidth, kFf},
    NameRow{"output.dense.bias", "ffn_down.bias", nullptr, kWidth},
    NameRow{"output.LayerNorm.weight", "layer_output_norm.weight", nullptr, kWidth},
    NameRow{"output.LayerNorm.bias", "layer_output_norm.bias", nullptr, kWidth},
};

constexpr std::array<std::string_view, 2> kClasses{"MPNetModel", "MPNetForMaskedLM"};
constexpr std::array<std::string_view, 3> kUnused{"pooler.", "lm_head.", "embeddings.position_ids"};

Result<ModelSizes> read_config(const ConfigReader& config) {
  TRY_ASSIGN(ModelSizes sizes, read_encoder_sizes(config));
  TRY_ASSIGN(sizes.buckets, config.get_size_or({"relative_attention_num_buckets"}, 32));
  TRY_ASSIGN(const double epsilon, config.get_number_or({"layer_norm_eps"}, 1e-12));
  if (sizes.positions <= kPaddingRows) {
    return damaged(fmt::format("{} is {}, of which {} are padding",
                               config.config().place_of("max_position_embeddings"), sizes.positions,
                               kPaddingRows));
  }
  sizes.padding_rows = kPaddingRows;
  sizes.positions -= kPaddingRows;
  add_sizes(config, sizes);
  config.add("attention.relative_buckets_count", sizes.buckets);
  config.add("attention.layer_norm_epsilon", static_cast<float>(epsilon));
  config.add("attention.causal", false);
  return sizes;
}

}  // namespace

const HfArchitecture kMpnet{
    .model_type = "mpnet",
    .classes = kClasses,
    .gguf = "mpnet",
    .prefix = "mpnet.",
    .layers = "encoder.layer.",
    .tensors = kTensors,
    .layer_tensors = kLayerTensors,
    .unused = kUnused,
    .read_config = read_config,
};

}  // namespace runed::embed::hf
