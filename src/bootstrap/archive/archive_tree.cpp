#include "bootstrap/archive/archive_tree.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace runed::bootstrap {
namespace {

// Source: path_resolution(7).
constexpr int kMaxLinks = 40;

std::string join(const std::vector<std::string_view>& parts) {
  std::string path;
  for (const std::string_view part : parts) {
    if (!path.empty()) path += '/';
    path += part;
  }
  return path;
}

bool is_nothing(std::string_view part) {
  return part.empty() || part == ".";
}

std::string parent_of(const std::string& name) {
  const size_t slash = name.rfind('/');
  return slash == std::string::npos ? "" : name.substr(0, slash);
}

}  // namespace

std::optional<std::string> ArchiveTree::clean(std::string_view name) {
  if (name.starts_with('/')) return std::nullopt;
  std::vector<std::string_view> parts;
  for (const std::string_view part : split(name, '/')) {
    if (is_nothing(part)) continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (parts.empty()) {
      return std::nullopt;
    } else {
      parts.pop_back();
    }
  }
  return join(parts);
}

const ArchiveTree::Node* ArchiveTree::find(const std::string& name) const {
  const auto found = nodes_.find(name);
  return found == nodes_.end() ? nullptr : &found->second;
}

std::vector<std::string> ArchiveTree::parents_of(const std::string& name) {
  std::vector<std::string> parents;
  for (size_t slash = name.find('/'); slash != std::string::npos;
       slash = name.find('/', slash + 1)) {
    parents.push_back(name.substr(0, slash));
  }
  return parents;
}

std::optional<std::string> ArchiveTree::find_fault_of_link(const std::string& name) const {
  std::string place = parent_of(name);
  // What is still to be walked, the next part last.
  std::vector<std::string_view> rest;
  int links = 0;
  const auto follow = [&rest, &links](const std::string& target) {
    const auto parts = split(target, '/');
    rest.insert(rest.end(), parts.rbegin(), parts.rend());
    ++links;
    return !target.starts_with('/');
  };
  bool inside = follow(find(name)->target);
  while (inside && !rest.empty()) {
    const std::string_view part = rest.back();
    rest.pop_back();
    if (is_nothing(part)) continue;
    if (part == "..") {
      inside = !place.empty();
      place = parent_of(place);
      continue;
    }
    const std::string next = place.empty() ? std::string(part) : fmt::format("{}/{}", place, part);
    const Node* node = find(next);
    if (node == nullptr || node->kind != Kind::link) {
      place = next;
    } else if (links == kMaxLinks) {
      return "is a link that leads through too many others";
    } else {
      inside = follow(node->target);
    }
  }
  if (!inside) return "is a link that leaves the directory";
  return std::nullopt;
}

}  // namespace runed::bootstrap
