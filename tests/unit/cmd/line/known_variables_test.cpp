#include "cmd/line/known_variables.hpp"

#include "bootstrap/config/setting_table.hpp"
#include "support/catch.hpp"

using runed::cmd::find_misspelt_variables;

TEST_CASE("a variable whose name is near a known one is told with that") {
  const std::vector<std::string> environment{"RUNED_THREDS=2", "RUNED_SOKET=/s", "RUNED_MODEL=/m",
                                             "HOME=/h"};
  CHECK(
      find_misspelt_variables(environment) ==
      std::vector<std::string>{"there is no variable 'RUNED_THREDS': did you mean 'RUNED_THREADS'?",
                               "there is no variable 'RUNED_SOKET': did you mean 'RUNED_SOCKET'?"});
}

TEST_CASE("nothing is said of variables that are read, of our own, and of somebody else's") {
  std::vector<std::string> environment{
      "RUNED_HOME=/h",          "RUNED_CONFIG=/c",    "RUNED_STARTED_ON_DEMAND=1",
      "RUNED_TEST_PID_FILE=/p", "RUNED_E2E_ENGINE=x", "RUNED_SKIP_LLAMA_SERVER=1",
      "RUNED_INDEXER_STATE=1",  "UNRUNED_THREDS=2",   "RUNED_THREADS",
  };
  for (const auto& row : runed::bootstrap::setting_rows()) {
    if (row.variable != nullptr) environment.push_back(std::string(row.variable) + "=x");
  }
  CHECK(find_misspelt_variables(environment).empty());
}
