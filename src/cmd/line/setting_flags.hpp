#pragma once

#include <string>

#include "bootstrap/config/setting_table.hpp"

namespace runed::cmd {

class FlagSet;

/// Describes the flag of a setting for the help: `Most tokens of a text (RUNED_CTX_SIZE; the model's)`,
/// with the values that there are behind it.
std::string describe_flag(const bootstrap::SettingRow& row);

/// Adds the flags of all settings, in the order of the table, but not that of the socket, which every
/// command has. What they say goes to `flags`, which must live as long as the parser.
void add_setting_flags(FlagSet& set, bootstrap::SettingFlags& flags);

/// Adds the flag of one setting, for a command with a description of its own.
void add_setting_flag(FlagSet& set, bootstrap::SettingFlags& flags, const std::string& key,
                      const std::string& description);

}  // namespace runed::cmd
