#include "cmd/line/removed_items.hpp"

#include <ostream>

#include "base/json.hpp"
#include "base/text.hpp"

namespace runed::cmd {

void print_removed(const std::vector<bootstrap::GcItem>& items, RemovedFormat format,
                   const Services& services) {
  uint64_t total = 0;
  Json all = Json::array();
  std::string lines;
  for (const bootstrap::GcItem& item : items) {
    total += item.size_bytes;
    all.push_back({{"kind", bootstrap::name_of(item.kind)},
                   {"path", item.path},
                   {"size_bytes", item.size_bytes}});
    lines += fmt::format("{} {:>12}  {}\n", format.is_plan ? "would remove" : "removed",
                         format_bytes(item.size_bytes), item.path);
  }
  if (format.as_json) {
    services.out << to_line(
                        Json{{"dry_run", format.is_plan}, {"items", all}, {"total_bytes", total}})
                 << "\n";
    return;
  }
  services.out << escape_invalid_utf8(lines)
               << (items.empty() ? "there is nothing to remove\n"
                                 : fmt::format("{} in all\n", format_bytes(total)));
}

}  // namespace runed::cmd
