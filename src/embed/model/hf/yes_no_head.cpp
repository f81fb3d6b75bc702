// Source: the model card of Qwen3-Reranker-0.6B; llama.cpp, conversion/qwen.py, _get_cls_out_tensor.
#include "embed/model/hf/yes_no_head.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/text.hpp"
#include "embed/model/hf/hf_tensors.hpp"

namespace runed::embed::hf {
namespace {

constexpr std::string_view kOutput = "cls.output.weight";

// The number of a token of tokenizer.json.
Result<size_t> token_of(const DirectoryFiles& files, const ModelSizes& sizes,
                        std::string_view token) {
  const DirectoryFile* file = files.find_of_transformer(kTokenizer);
  if (file == nullptr) {
    return make_error(ErrorCode::model_missing, "{} is not in the directory", kTokenizer)
        .with_hint("get the directory once more, with all of its files");
  }
  TRY_ASSIGN(const Json json, parse_file(file->name, file->bytes));
  TRY_ASSIGN(const Fields fields, Fields::of(file->name, {}, json));
  TRY_ASSIGN(const Fields model, fields.get_object("model"));
  TRY_ASSIGN(const Fields vocabulary, model.get_object("vocab"));
  const Json* id = vocabulary.find(token);
  if (id != nullptr && id->is_number_unsigned() && id->get<uint64_t>() < sizes.vocabulary) {
    return id->get<size_t>();
  }
  return damaged(fmt::format("{}: the token '{}' is missing, by which the model tells its score",
                             file->name, token));
}

Status add_nothing(const ConfigReader& /*config*/) {
  return {};
}

}  // namespace

const HfRankHead kYesNoHead{.name = "Qwen3ForCausalLM",
                            .model_type = "qwen3",
                            .tensors = {},
                            .add_keys = add_nothing,
                            .tells_yes = true};

bool is_yes_no_reranker(const Fields& config, const DirectoryFiles& files, std::string_view name) {
  const auto type = config.find_text("model_type");
  const Json* classes = config.find("architectures");
  return type && *type == kYesNoHead.model_type && classes != nullptr && classes->is_array() &&
         classes->size() == 1 && classes->front() == std::string(kYesNoHead.name) &&
         files.find(kModules) == nullptr && contains_in_any_case(name, "rerank");
}

Result<PlacedTensor> place_yes_and_no(const Fields& config, const DirectoryFiles& files,
                                      const ModelSizes& sizes,
                                      std::span<const SafeTensor> tensors) {
  TRY_ASSIGN(const auto is_tied, config.find_flag("tie_word_embeddings"));
  const std::string name = is_tied.value_or(false) ? "embed_tokens.weight" : "lm_head.weight";
  const auto found = std::ranges::find_if(tensors, [&](const SafeTensor& tensor) {
    return tensor.name == name || tensor.name == "model." + name;
  });
  if (found == tensors.end()) return damaged(fmt::format("the tensor '{}' is missing", name));
  TRY_ASSIGN(PlacedTensor placed,
             place_tensor(*found, std::string(kOutput), {sizes.vocabulary, sizes.width}));
  TRY_ASSIGN(const size_t yes, token_of(files, sizes, "yes"));
  TRY_ASSIGN(const size_t no, token_of(files, sizes, "no"));
  const size_t row_bytes = placed.data.size() / sizes.vocabulary;
  auto rows = std::make_shared<std::vector<std::byte>>();
  for (const size_t token : {yes, no}) {
    const auto row = placed.data.subspan(token * row_bytes, row_bytes);
    rows->insert(rows->end(), row.begin(), row.end());
  }
  placed.shape[1] = 2;
  placed.data = *rows;
  placed.owned = std::move(rows);
  return placed;
}

}  // namespace runed::embed::hf
