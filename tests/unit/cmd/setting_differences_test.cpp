#include "cmd/setting_differences.hpp"

#include "support/catch.hpp"

using runed::bootstrap::Origin;
using runed::bootstrap::Settings;
using runed::client::InfoReport;
using runed::cmd::find_wanted;

namespace {

std::optional<std::string> wanted(const std::string& value, const std::string& origin,
                                  std::optional<std::string> ours, Origin our_origin) {
  Settings settings;
  settings.model = {std::move(ours), our_origin};
  return find_wanted({"model", value, origin}, settings);
}

}  // namespace

TEST_CASE("what is named and the daemon has otherwise is wanted") {
  CHECK(wanted("/a.gguf", "config", "/b.gguf", Origin::config) == "/b.gguf");
  CHECK(wanted("", "default", "/b.gguf", Origin::config) == "/b.gguf");
  CHECK(wanted("/a.gguf", "flag", "/b.gguf", Origin::environment) == "/b.gguf");
  CHECK(wanted("/a.gguf", "environment", "/b.gguf", Origin::flag) == "/b.gguf");
}

TEST_CASE("what the daemon has is not wanted, nor what nobody names") {
  CHECK_FALSE(wanted("/a.gguf", "config", "/a.gguf", Origin::environment).has_value());
  CHECK_FALSE(wanted("/a.gguf", "config", {}, Origin::default_value).has_value());
  CHECK_FALSE(wanted("/a.gguf", "config", "/b.gguf", Origin::manifest).has_value());
  CHECK_FALSE(find_wanted({"no_such_setting", "x", "flag"}, Settings{}).has_value());
}

TEST_CASE("config.json does not want what the daemon was told in a stronger place") {
  CHECK_FALSE(wanted("/a.gguf", "flag", "/b.gguf", Origin::config).has_value());
  CHECK_FALSE(wanted("/a.gguf", "environment", "/b.gguf", Origin::config).has_value());
}

TEST_CASE("what is wanted and is not UTF-8 is shown as the daemon would show it") {
  CHECK(wanted("/a.gguf", "config", "/m\xff.gguf", Origin::config) == "/m\\xff.gguf");
  CHECK_FALSE(wanted("/m\\xff.gguf", "config", "/m\xff.gguf", Origin::config).has_value());
}
