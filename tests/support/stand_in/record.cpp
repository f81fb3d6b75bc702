#include "support/stand_in/record.hpp"

#include <string_view>

#include "base/json.hpp"
#include "os/file/files.hpp"
#include "os/process/process.hpp"

extern char** environ;

namespace runed::test {

Record::Record(const std::string& path) {
  if (path.empty()) return;
  auto file = os::open_for_append(path, 0600);
  if (file.has_value()) file_ = std::move(*file);
}

void Record::start(int argc, const char* const* argv) {
  Json arguments = Json::array();
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--mode") {
      ++i;  // That is the wrapper's.
    } else {
      arguments.push_back(argv[i]);
    }
  }
  Json environment = Json::object();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable = *entry;
    const size_t sign = variable.find('=');
    environment[std::string(variable.substr(0, sign))] = variable.substr(sign + 1);
  }
  append(to_line({{"pid", os::process_id()},
                  {"arguments", std::move(arguments)},
                  {"environment", std::move(environment)}}));
}

void Record::request(const HttpRequest& request, int connection) {
  const auto body = parse_json(request.body);
  append(to_line({{"connection", connection},
                  {"method", request.seen.method},
                  {"path", request.seen.path},
                  {"authorization", request.seen.header("authorization")},
                  {"body", body.has_value() ? *body : Json(request.body)}}));
}

void Record::append(const std::string& line) {
  if (!file_.is_open()) return;
  const std::lock_guard lock(mutex_);
  (void)os::write_all(file_.get(), line + "\n");
}

}  // namespace runed::test
