#include "embed/model/hf/weights_of_folder.hpp"

#include <map>
#include <set>
#include <utility>

#include "base/text.hpp"
#include "embed/model/hf/json_fields.hpp"

namespace runed::embed::hf {
namespace {

Result<std::vector<SafeTensor>> read_shards(const DirectoryFiles& files, const std::string& folder,
                                            const DirectoryFile& index) {
  TRY_ASSIGN(auto places, parse_safetensors_index(index.name, index.bytes));
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : places) shards.insert(shard);
  std::vector<SafeTensor> all;
  for (const std::string& shard : shards) {
    const DirectoryFile& file = *files.find(folder + shard);
    TRY_ASSIGN(std::vector<SafeTensor> tensors, parse_safetensors(file.name, file.bytes));
    for (SafeTensor& tensor : tensors) {
      const auto place = places.find(tensor.name);
      if (place == places.end() || place->second != shard) {
        return damaged(fmt::format("{} has a tensor '{}', which {} has elsewhere", file.name,
                                   printable(tensor.name), index.name));
      }
      places.erase(place);
      all.push_back(std::move(tensor));
    }
  }
  if (places.empty()) return all;
  return damaged(fmt::format("{} has a tensor '{}', which is not in {}", index.name,
                             printable(places.begin()->first), places.begin()->second));
}

}  // namespace

Result<std::vector<SafeTensor>> read_weights(const DirectoryFiles& files,
                                             const std::string& folder) {
  if (const auto* file = files.find(folder + std::string(kWeights))) {
    return parse_safetensors(file->name, file->bytes);
  }
  return read_shards(files, folder, *files.find(folder + std::string(kWeightsIndex)));
}

}  // namespace runed::embed::hf
