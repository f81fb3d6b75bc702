#include "cmd/line/flag_set.hpp"

#include <CLI/CLI.hpp>
#include <utility>

// CLI11 has its functions in its headers, and those of a class with virtual functions are compiled
// wherever they are included, for 3 s. So only this and the command line include them.

namespace runed::cmd {

Flag Flag::type_name(const char* name) const {
  option_->type_name(name);
  return *this;
}

Flag Flag::check(std::function<std::string(const std::string&)> check) const {
  option_->check(std::move(check));
  return *this;
}

Flag Flag::required() const {
  option_->required();
  return *this;
}

Flag Flag::excludes(Flag other) const {
  option_->excludes(other.option_);
  return *this;
}

Flag Flag::needs(Flag other) const {
  option_->needs(other.option_);
  return *this;
}

Flag FlagSet::add_flag(const char* names, bool& is_set, const std::string& help) {
  return Flag(*app_.add_flag(names, is_set, help));
}

Flag FlagSet::add_option(const char* names, int& value, const std::string& help) {
  return Flag(*app_.add_option(names, value, help));
}

Flag FlagSet::add_option(const char* names, double& value, const std::string& help) {
  return Flag(*app_.add_option(names, value, help));
}

Flag FlagSet::add_option(const char* names, std::string& value, const std::string& help) {
  return Flag(*app_.add_option(names, value, help));
}

Flag FlagSet::add_option(const char* names, std::optional<int64_t>& value,
                         const std::string& help) {
  return Flag(*app_.add_option(names, value, help));
}

Flag FlagSet::add_option(const char* names, std::optional<std::string>& value,
                         const std::string& help) {
  return Flag(*app_.add_option(names, value, help));
}

Flag FlagSet::add_option(const char* names, std::vector<std::string>& values,
                         const std::string& help) {
  return Flag(*app_.add_option(names, values, help));
}

Flag FlagSet::add_option(const char* names, std::function<void(const std::string&)> take,
                         const std::string& help) {
  return Flag(*app_.add_option_function<std::string>(names, std::move(take), help));
}

void FlagSet::footer(const char* text) {
  app_.footer(text);
}

}  // namespace runed::cmd
