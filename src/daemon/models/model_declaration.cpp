#include "daemon/models/model_declaration.hpp"

#include <algorithm>
#include <utility>

namespace runed::daemon {

void add_default(std::vector<ModelDeclaration>& declared, ModelDeclaration default_model) {
  if (std::ranges::find(declared, default_model.key, &ModelDeclaration::key) != declared.end()) {
    return;
  }
  for (const ModelDeclaration& other : declared) {
    for (const std::string& taken : other.names) std::erase(default_model.names, taken);
  }
  if (default_model.names.empty()) default_model.names.push_back(default_model.choice.path);
  declared.push_back(std::move(default_model));
}

}  // namespace runed::daemon
