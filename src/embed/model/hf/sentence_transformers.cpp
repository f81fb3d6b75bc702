// Source: UKPLab/sentence-transformers, the modules Transformer, Pooling and Dense, in the form of
// version 2 and in that of version 6.
#include "embed/model/hf/sentence_transformers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "embed/model/hf/hf_tensors.hpp"
#include "embed/model/hf/json_fields.hpp"
#include "embed/model/hf/safetensors.hpp"
#include "embed/model/hf/weights_of_folder.hpp"

namespace runed::embed::hf {
namespace {

constexpr size_t kMostDense = 2;
constexpr uint32_t kLeastTokens = 3;  // The frame, and one between.

// The flags of version 2, and the names of version 6.
struct PoolingMode {
  std::string_view flag;
  std::string_view name;
  Pooling pooling;  // None: it is not served.
};
constexpr std::array kPoolingModes{
    PoolingMode{"pooling_mode_cls_token", "cls", Pooling::cls},
    PoolingMode{"pooling_mode_mean_tokens", "mean", Pooling::mean},
    PoolingMode{"pooling_mode_lasttoken", "lasttoken", Pooling::last},
    PoolingMode{"pooling_mode_max_tokens", "max", Pooling::none},
    PoolingMode{"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", Pooling::none},
    PoolingMode{"pooling_mode_weightedmean_tokens", "weightedmean", Pooling::none},
};

Error refuse_pooling(const std::string& file, std::string_view modes) {
  return not_served(fmt::format("{}: the pooling '{}' is not served", file, printable(modes)),
                    "served are mean, cls and lasttoken");
}

// The modes that are on, by their names.
Result<std::vector<std::string>> pooling_modes(const Fields& config) {
  std::vector<std::string> modes;
  TRY_ASSIGN(const auto mode, config.find_text("pooling_mode"));
  if (mode) return std::vector{*mode};
  for (const PoolingMode& each : kPoolingModes) {
    TRY_ASSIGN(const auto is_on, config.find_flag(each.flag));
    if (is_on.value_or(false)) modes.emplace_back(each.name);
  }
  return modes;
}

Result<Pooling> read_pooling(const DirectoryFile& file) {
  TRY_ASSIGN(const Json json, parse_file(file.name, file.bytes));
  TRY_ASSIGN(const Fields config, Fields::of(file.name, {}, json));
  TRY_ASSIGN(const auto with_prompt, config.find_flag("include_prompt"));
  if (!with_prompt.value_or(true)) {
    return not_served(
        fmt::format("{} is false: pooling that leaves out the tokens of a prompt is "
                    "not served",
                    config.place_of("include_prompt")));
  }
  TRY_ASSIGN(const auto modes, pooling_modes(config));
  if (modes.empty()) return damaged(fmt::format("{}: no pooling mode is on", file.name));
  const auto known = std::ranges::find(kPoolingModes, modes.front(), &PoolingMode::name);
  if (modes.size() > 1 || known == kPoolingModes.end() || known->pooling == Pooling::none) {
    return refuse_pooling(file.name, fmt::format("{}", fmt::join(modes, "+")));
  }
  return known->pooling;
}

Error refuse_module(const Module& module, std::string_view why) {
  return not_served(fmt::format("{}: the module '{}' of type '{}' is not served{}", kModules,
                                printable(module.name), printable(module.type), why));
}

// StaticEmbedding, which pools; or Transformer, Pooling, then Dense and Normalize as they are. Every vector that leaves is of unit
// length, so that a Normalize at the end may be there or not.
Status read_modules(const DirectoryFiles& files, const std::vector<Module>& modules,
                    SentenceTransformers& said) {
  bool is_normalized = false;
  bool is_static = false;
  for (size_t i = 0; i < modules.size(); ++i) {
    const Module& module = modules[i];
    const std::string_view kind = module.kind();
    if (i == 0) {
      is_static = kind == "StaticEmbedding";
      if (is_static) said.pooling = Pooling::mean;
      if (kind != "Transformer" && !is_static) return refuse_module(module, " as the first");
    } else if (is_static) {
      if (kind != "Normalize" || is_normalized) {
        return refuse_module(module, " behind StaticEmbedding");
      }
      is_normalized = true;
    } else if (i == 1) {
      if (kind != "Pooling") return refuse_module(module, " as the second");
      TRY_ASSIGN(said.pooling, read_pooling(*files.find(module.path + std::string(kConfig))));
    } else if (kind == "Dense" && !is_normalized && said.dense.size() < kMostDense) {
      said.dense.push_back(module.path);
    } else if (kind == "Normalize" && !is_normalized) {
      is_normalized = true;
    } else {
      const bool is_known = kind == "Dense" || kind == "Normalize";
      return refuse_module(module, is_known ? " in this place" : "");
    }
  }
  return {};
}

Status read_prompts(const DirectoryFile& file, SentenceTransformers& said) {
  TRY_ASSIGN(const Json json, parse_file(file.name, file.bytes));
  TRY_ASSIGN(const Fields config, Fields::of(file.name, {}, json));
  TRY_ASSIGN(const auto prompts, config.find_object("prompts"));
  if (prompts) {
    for (const auto& [name, text] : prompts->json().items()) {
      if (!text.is_string()) return prompts->get_text(name).error();
      said.prompts.emplace_back(name, text.get<std::string>());
    }
  }
  TRY_ASSIGN(const auto chosen, config.find_text("default_prompt_name"));
  if (!chosen) return {};
  const auto names = [](const auto& prompt) -> const std::string& { return prompt.first; };
  if (std::ranges::find(said.prompts, *chosen, names) == said.prompts.end()) {
    return damaged(fmt::format("{} is '{}', and there is no such prompt",
                               config.place_of("default_prompt_name"), printable(*chosen)));
  }
  said.default_prompt = *chosen;
  return {};
}

Status read_sentence_bert(const DirectoryFile& file, SentenceTransformers& said) {
  TRY_ASSIGN(const Json json, parse_file(file.name, file.bytes));
  TRY_ASSIGN(const Fields config, Fields::of(file.name, {}, json));
  if (config.has("max_seq_length")) {
    TRY_ASSIGN(said.max_seq_length, config.get_size("max_seq_length"));
  }
  TRY_ASSIGN(const auto lowercase, config.find_flag("do_lower_case"));
  said.lowercase_first = lowercase.value_or(false);
  return {};
}

// GGUF's name of what torch.nn calls by a Python path.
Result<std::string> activation_of(const Fields& config) {
  TRY_ASSIGN(const auto path, config.find_text("activation_function"));
  const std::string name = path.value_or("torch.nn.modules.activation.Tanh");
  if (name == "torch.nn.modules.linear.Identity") return std::string("identity");
  if (name == "torch.nn.modules.activation.Tanh") return std::string("tanh");
  return not_served(fmt::format("{} is '{}', which is not served",
                                config.place_of("activation_function"), printable(name)));
}

}  // namespace

Result<SentenceTransformers> read_sentence_transformers(const DirectoryFiles& files) {
  const DirectoryFile* file = files.find(kModules);
  if (file == nullptr) {
    return not_served(
        fmt::format("there is no {}, so that nobody says how a text becomes one vector", kModules),
        "get the whole directory of a sentence-transformers model; or write modules.json and "
        "1_Pooling/config.json with the pooling that the model was trained with (in Python: "
        "SentenceTransformer(DIR).save(DIR) uses mean)");
  }
  TRY_ASSIGN(const auto modules, parse_modules(file->bytes));
  if (modules.size() == 1 && modules.front().kind() == "Transformer") {
    return not_served(fmt::format("{}: it has a Transformer and no Pooling: the model gives scores "
                                  "or vectors of tokens, and none of a text",
                                  kModules),
                      "name an embedding model");
  }
  SentenceTransformers said;
  TRY(read_modules(files, modules, said));
  if (const auto* found = files.find_of_transformer(kSentenceBert)) {
    TRY(read_sentence_bert(*found, said));
  }
  if (const auto* found = files.find(kSentenceTransformers)) TRY(read_prompts(*found, said));
  return said;
}

Result<SentenceTransformers> read_cross_encoder(const DirectoryFiles& files) {
  SentenceTransformers said;
  said.pooling = Pooling::rank;
  if (const DirectoryFile* file = files.find(kModules)) {
    TRY_ASSIGN(const auto modules, parse_modules(file->bytes));
    for (const Module& module : modules) {
      if (module.kind() != "Transformer") return refuse_module(module, " with a head that ranks");
    }
  }
  if (const auto* found = files.find_of_transformer(kSentenceBert)) {
    TRY(read_sentence_bert(*found, said));
  }
  return said;
}

Result<uint32_t> read_longest_text(const DirectoryFiles& files, const SentenceTransformers& said,
                                   uint32_t positions) {
  uint32_t longest = positions;
  if (said.max_seq_length) {
    longest = std::min(positions, *said.max_seq_length);
  } else if (const auto* file = files.find_of_transformer(kTokenizerConfig)) {
    TRY_ASSIGN(const Json json, parse_file(file->name, file->bytes));
    TRY_ASSIGN(const Fields config, Fields::of(file->name, {}, json));
    // A tokenizer that has no limit says 1e30.
    TRY_ASSIGN(const auto most, config.find_number("model_max_length"));
    if (most && *most >= 0 && *most < positions) longest = static_cast<uint32_t>(*most);
  }
  if (longest >= kLeastTokens) return longest;
  return damaged(
      fmt::format("the longest text has {} tokens, which leaves none for words", longest));
}

Result<std::vector<PlacedTensor>> read_dense(const DirectoryFiles& files, const std::string& folder,
                                             const std::string& architecture, size_t number,
                                             uint32_t& width, GgufMetadata& metadata) {
  const DirectoryFile& file = *files.find(folder + std::string(kConfig));
  TRY_ASSIGN(const Json json, parse_file(file.name, file.bytes));
  TRY_ASSIGN(const Fields config, Fields::of(file.name, {}, json));
  TRY_ASSIGN(const uint32_t in, config.get_size("in_features"));
  TRY_ASSIGN(const uint32_t out, config.get_size("out_features"));
  TRY_ASSIGN(const auto bias, config.find_flag("bias"));
  TRY_ASSIGN(const std::string activation, activation_of(config));
  if (in != width) {
    return damaged(fmt::format("{} is {}, and what comes in is {} wide",
                               config.place_of("in_features"), in, width));
  }
  TRY_ASSIGN(const auto tensors, read_weights(files, folder));
  const std::string name = fmt::format("dense_{}", number);
  std::vector<PlacedTensor> placed;
  for (const SafeTensor& tensor : tensors) {
    const bool is_bias = tensor.name == "linear.bias" && bias.value_or(true);
    if (!is_bias && tensor.name != "linear.weight") {
      return not_served(fmt::format("{} has a tensor '{}' that would be left out", folder,
                                    printable(tensor.name)));
    }
    const std::vector<uint64_t> shape =
        is_bias ? std::vector<uint64_t>{out} : std::vector<uint64_t>{out, in};
    TRY_ASSIGN(PlacedTensor each,
               place_tensor(tensor, name + (is_bias ? ".bias" : ".weight"), shape));
    placed.push_back(std::move(each));
  }
  if (placed.size() != (bias.value_or(true) ? 2 : 1)) {
    return damaged(fmt::format("{} lacks a tensor: linear.weight or linear.bias", folder));
  }
  std::ranges::sort(placed, std::greater(), &PlacedTensor::name);  // The weight first.
  metadata.add(fmt::format("{}.{}_feat_in", architecture, name), in);
  metadata.add(fmt::format("{}.{}_feat_out", architecture, name), out);
  metadata.add(fmt::format("runed.{}.activation", name), std::string_view(activation));
  width = out;
  return placed;
}

}  // namespace runed::embed::hf
