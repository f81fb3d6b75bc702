#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runed::bootstrap {

/// The names that an archive has used so far, each relative to the directory and clean.
class ArchiveTree {
 public:
  enum class Kind { file, directory, link };
  struct Node {
    Kind kind = Kind::file;
    std::string target;  // Of a link.
  };

  /// Cleans a name of the archive: no `.`, `..` or doubled slash is left; "" is the directory
  /// itself. Empty if the name is absolute or leaves the directory at any step.
  static std::optional<std::string> clean(std::string_view name);

  const Node* find(const std::string& name) const;
  void add(const std::string& name, Node node) { nodes_.emplace(name, std::move(node)); }
  const std::map<std::string, Node>& nodes() const { return nodes_; }  // Parents before children.

  /// Returns the directories around a clean name, outermost first.
  static std::vector<std::string> parents_of(const std::string& name);

  /// Follows a link as the kernel would.
  /// Returns what is wrong with it: it leaves the directory, or never ends. Empty if nothing is.
  std::optional<std::string> find_fault_of_link(const std::string& name) const;

 private:
  std::map<std::string, Node> nodes_;
};

}  // namespace runed::bootstrap
