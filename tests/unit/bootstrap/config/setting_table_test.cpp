#include "bootstrap/config/setting_table.hpp"

#include <set>

#include "support/result_matchers.hpp"

using runed::bootstrap::Origin;
using runed::bootstrap::place_of;
using runed::bootstrap::place_rows;
using runed::bootstrap::row_of;
using runed::bootstrap::setting_rows;
using runed::bootstrap::SettingRow;
using runed::bootstrap::Settings;

TEST_CASE("no two settings have a name in common") {
  std::set<std::string> names;
  for (const auto rows : {place_rows(), setting_rows()}) {
    for (const SettingRow& row : rows) {
      for (const char* name : {row.key, row.variable, row.flag}) {
        CAPTURE(row.key);
        if (name != nullptr) CHECK(names.insert(name).second);
      }
    }
  }
}

TEST_CASE("a row has all that documentation needs") {
  for (const auto rows : {place_rows(), setting_rows()}) {
    for (const SettingRow& row : rows) {
      CAPTURE(row.key);
      CHECK(row.text != nullptr);
      CHECK((row.flag == nullptr) == (row.flag_value == nullptr));
      CHECK((row.flag == nullptr) == (row.help == nullptr));
      if (row.flag != nullptr) CHECK(row.variable != nullptr);  // What is told of the flag.
    }
  }
}

TEST_CASE("a parser takes the default and every word of its row, and shows each as it was") {
  for (const SettingRow& row : setting_rows()) {
    CAPTURE(row.key);
    std::vector<std::string> texts(row.words.begin(), row.words.end());
    if (row.default_value != nullptr) texts.emplace_back(row.default_value);
    for (const std::string& text : texts) {
      CAPTURE(text);
      Settings settings;
      REQUIRE(row.access.read(text, Origin::config, settings));
      const runed::Json shown = row.access.show(settings);
      CHECK((shown.is_string() ? shown.get<std::string>() : runed::to_line(shown)) == text);
      CHECK(row.access.origin(settings) == Origin::config);
    }
  }
}

TEST_CASE("the place of a value is what the user has written there") {
  CHECK(place_of("model_variant", Origin::flag) == "--variant");
  CHECK(place_of("model_variant", Origin::environment) == "RUNED_MODEL_VARIANT");
  CHECK(place_of("model_variant", Origin::config) == "model_variant in config.json");
  CHECK(place_of("threads", Origin::default_value) == "threads");
  CHECK(std::string(row_of("home").variable) == "RUNED_HOME");
}
