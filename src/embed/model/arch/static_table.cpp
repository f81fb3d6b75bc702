// Static embeddings: a vector for each token, whatever is around it; a text's is the mean of its
// tokens'. The name and the keys are our own, since nobody has such a model as GGUF.
// Source: Arora et al., A Simple but Tough-to-Beat Baseline for Sentence Embeddings (ICLR 2017),
//         section 3, of such means; sentence-transformers, models/StaticEmbedding.py; model2vec.
#include "embed/model/architecture.hpp"

namespace runed::embed::arch::static_table {
namespace {

constexpr uint32_t kMostWidth = 65536;

// A mean is of any number of tokens. More than this are no text, and not for want of an engine.
constexpr uint32_t kMostTokens = 1 << 24;

Status read_spec(const SpecReader& reader, ModelSpec& spec) {
  TRY_ASSIGN(spec.width, reader.read_size("embedding_length", kMostWidth));
  spec.layers = 0;
  spec.context = kMostTokens;
  spec.heads = spec.kv_heads = 1;
  spec.head_width = spec.value_width = spec.width;
  spec.positions = Positions::none;
  spec.mask = Mask::none;
  TRY(reader.read_tokenizer());
  spec.frame = {};
  return {};
}

constexpr TensorRow kTensors[] = {
    {"token_embd.weight", TensorRole::token_embedding, TensorSize::width, TensorSize::vocabulary},
};

}  // namespace

extern const Architecture kArchitecture;
constinit const Architecture kArchitecture{
    .name = "static", .read_spec = read_spec, .tensors = kTensors, .layer_tensors = {}};

}  // namespace runed::embed::arch::static_table
