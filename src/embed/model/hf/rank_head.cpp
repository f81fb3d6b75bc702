// The heads of cross-encoders as transformers has them: transformers/models/{bert,roberta,xlm_roberta,
// modernbert}, the classes that end with ForSequenceClassification; what GGUF calls them: llama.cpp,
// gguf-py/gguf/tensor_mapping.py.
#include "embed/model/hf/rank_head.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "embed/model/model_facts.hpp"

namespace runed::embed::hf {
namespace {

using namespace size;

constexpr SizeOf kOne = [](const ModelSizes& /*sizes*/) -> uint32_t { return 1; };

constexpr std::array kBertRows{
    NameRow{"pooler.dense.weight", "cls.weight", kWidth, kWidth},
    NameRow{"pooler.dense.bias", "cls.bias", nullptr, kWidth},
    NameRow{"classifier.weight", "cls.output.weight", kOne, kWidth},
    NameRow{"classifier.bias", "cls.output.bias", nullptr, kOne},
};
constexpr std::array kRobertaRows{
    NameRow{"classifier.dense.weight", "cls.weight", kWidth, kWidth},
    NameRow{"classifier.dense.bias", "cls.bias", nullptr, kWidth},
    NameRow{"classifier.out_proj.weight", "cls.output.weight", kOne, kWidth},
    NameRow{"classifier.out_proj.bias", "cls.output.bias", nullptr, kOne},
};
constexpr std::array kModernBertRows{
    NameRow{"head.dense.weight", "cls.weight", kWidth, kWidth},
    NameRow{"head.norm.weight", "cls.norm.weight", nullptr, kWidth},
    NameRow{"classifier.weight", "cls.output.weight", kOne, kWidth},
    NameRow{"classifier.bias", "cls.output.bias", nullptr, kOne},
};

Status add_nothing(const ConfigReader& /*config*/) {
  return {};
}

Status add_modern_bert(const ConfigReader& config) {
  TRY(config.expect_off({"classifier_bias"}));
  TRY_ASSIGN(const std::string pooling, config.get_text_or({"classifier_pooling"}, "cls"));
  TRY_ASSIGN(const std::string activation, config.get_text_or({"classifier_activation"}, "gelu"));
  const auto found = find_pooling(pooling);
  if (found != Pooling::cls && found != Pooling::mean) {
    return not_served(
        fmt::format("{} is '{}', which is not served",
                    config.config().place_of("classifier_pooling"), printable(pooling)),
        "served are cls and mean");
  }
  config.add("classifier.pooling_type", static_cast<uint32_t>(*found));
  config.add("classifier.activation", std::string_view(activation));
  return {};
}

constexpr std::array kRankHeads{
    HfRankHead{"BertForSequenceClassification", "bert", kBertRows, add_nothing},
    HfRankHead{"RobertaForSequenceClassification", "roberta", kRobertaRows, add_nothing},
    HfRankHead{"XLMRobertaForSequenceClassification", "xlm-roberta", kRobertaRows, add_nothing},
    HfRankHead{"ModernBertForSequenceClassification", "modernbert", kModernBertRows,
               add_modern_bert},
};

// As transformers counts them. Without a word of either it is two.
Result<std::vector<std::string>> read_labels(const Fields& config) {
  std::vector<std::string> labels;
  TRY_ASSIGN(const auto named, config.find_object("id2label"));
  if (named) {
    for (const auto& [id, label] : named->json().items()) {
      labels.push_back(label.is_string() ? label.get<std::string>() : id);
    }
    return labels;
  }
  TRY_ASSIGN(const auto number, config.find_number("num_labels"));
  if (number == 1.0) return std::vector<std::string>{"LABEL_0"};
  return std::vector<std::string>{"LABEL_0", "LABEL_1"};
}

}  // namespace

const HfRankHead* find_rank_head(const Fields& config) {
  const auto type = config.find_text("model_type");
  const Json* classes = config.find("architectures");
  if (!type || !*type || classes == nullptr || !classes->is_array() || classes->size() != 1) {
    return nullptr;
  }
  const auto found = std::ranges::find_if(kRankHeads, [&](const HfRankHead& head) {
    return head.model_type == **type && classes->front() == std::string(head.name);
  });
  return found == kRankHeads.end() ? nullptr : &*found;
}

Status add_rank_head(const HfRankHead& head, const ConfigReader& config) {
  std::vector<std::string> labels{"yes", "no"};
  if (!head.tells_yes) {
    TRY_ASSIGN(labels, read_labels(config.config()));
  }
  if (!head.tells_yes && labels.size() != 1) {
    return not_served(
        fmt::format("{} has '{}' of {} labels: the model tells classes apart, and gives no score",
                    config.config().place_of("architectures"), head.name, labels.size()),
        "name the directory of an embedding model or of a reranker");
  }
  config.add("pooling_type", static_cast<uint32_t>(Pooling::rank));
  config.add("classifier.output_labels", labels);
  return head.add_keys(config);
}

}  // namespace runed::embed::hf
