#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace runed::cmd {

/// A flag that was declared, for what else is to be said of it.
class Flag {
 public:
  explicit Flag(CLI::Option& option) : option_(&option) {}

  /// Names its value in the help.
  Flag type_name(const char* name) const;
  /// Has its value checked: what is wrong with it, or nothing (value_checks.hpp).
  Flag check(std::function<std::string(const std::string&)> check) const;
  /// Refuses a command line without it.
  Flag required() const;
  /// Refuses it together with another one.
  Flag excludes(Flag other) const;
  /// Refuses it without another one.
  Flag needs(Flag other) const;

 private:
  CLI::Option* option_;
};

/// Declares the flags of one subcommand. Parsing the command line sets the variables, which must live
/// as long as the parser.
class FlagSet {
 public:
  explicit FlagSet(CLI::App& app) : app_(app) {}

  Flag add_flag(const char* names, bool& is_set, const std::string& help);
  Flag add_option(const char* names, int& value, const std::string& help);
  Flag add_option(const char* names, double& value, const std::string& help);
  Flag add_option(const char* names, std::string& value, const std::string& help);
  Flag add_option(const char* names, std::optional<int64_t>& value, const std::string& help);
  Flag add_option(const char* names, std::optional<std::string>& value, const std::string& help);
  Flag add_option(const char* names, std::vector<std::string>& values, const std::string& help);
  /// Declares one whose value, as it is written, is passed to `take`.
  Flag add_option(const char* names, std::function<void(const std::string&)> take,
                  const std::string& help);
  /// Ends the help with examples.
  void footer(const char* text);

 private:
  CLI::App& app_;
};

}  // namespace runed::cmd
