#include "cmd/line/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <optional>

#include "base/text.hpp"
#include "cmd/line/flag_set.hpp"
#include "cmd/version.hpp"
#include "embed/model/builtin_model.hpp"

namespace runed::cmd {
namespace {

/// Help with the examples first, where most people look. A subcommand's examples are its footer.
class HelpFormatter final : public CLI::Formatter {
 public:
  HelpFormatter() {
    column_width(30);
    label("Positionals", "Arguments");
    label("SUBCOMMAND", "COMMAND");
    label("Subcommands", "Commands");
  }

  // The type's name is enough; what excludes what is said by the error.
  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_positional() || option->get_type_name().empty()
               ? ""
               : " " + option->get_type_name();
  }

  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    std::string text = app->get_description() + "\n\n" + make_usage(app, std::move(name));
    if (!app->get_footer().empty()) text += "\nExamples:\n" + app->get_footer() + "\n";
    return text + make_positionals(app) + make_groups(app, mode) + make_subcommands(app, mode);
  }
};

constexpr const char* kExamples =
    "  echo \"some text\" | runed embed --json\n"
    "  runed status\n"
    "  runed shutdown --wait 10";

Error usage_error(std::string message, std::string hint) {
  return make_error(ErrorCode::usage, "{}", message).with_hint(std::move(hint));
}

std::string help_hint(const CLI::App& app) {
  const bool is_root = app.get_parent() == nullptr;
  return fmt::format("run 'runed {}--help'", is_root ? "" : app.get_name() + " ");
}

// A word of which a candidate is the rest, as `--dim` of `--dimensions`, is no misspelling of another.
std::optional<std::string> find_begun(std::string_view word,
                                      const std::vector<std::string>& candidates) {
  constexpr size_t kFewestLetters = 4;  // With the dashes.
  if (word.size() < kFewestLetters) return std::nullopt;
  const auto begins = [word](const std::string& name) { return name.starts_with(word); };
  if (std::ranges::count_if(candidates, begins) != 1) return std::nullopt;
  return *std::ranges::find_if(candidates, begins);
}

// "did you mean" where a candidate is near, else where to read on.
std::string suggestion(const CLI::App& app, std::string_view word,
                       const std::vector<std::string>& candidates) {
  auto nearest = find_begun(word, candidates);
  if (!nearest.has_value()) nearest = find_nearest(word, candidates);
  return nearest.has_value() ? fmt::format("did you mean '{}'?", *nearest) : help_hint(app);
}

std::vector<std::string> flag_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : commands()) names.emplace_back(command.name);
  return names;
}

// The command that has this option; null: none.
const CLI::App* find_command_with(const CLI::App& root, const std::string& flag) {
  const auto commands = root.get_subcommands([](const CLI::App*) { return true; });
  const auto found = std::ranges::find_if(commands, [&flag](const CLI::App* command) {
    return command->get_option_no_throw(flag) != nullptr;
  });
  return found == commands.end() ? nullptr : *found;
}

// Words that no option and no positional took.
Error unexpected_word(const CLI::App& root, const CLI::App& app, const std::string& word) {
  if (word.starts_with("-")) {
    const std::string flag = word.substr(0, word.find('='));
    // One that the command has was written before it.
    const CLI::App* command = app.get_option_no_throw(flag) != nullptr ? &app : nullptr;
    if (&app == &root) command = find_command_with(root, flag);
    if (command != nullptr && command != &root) {
      return usage_error(fmt::format("the option '{}' stands before the command", flag),
                         fmt::format("write it behind: runed {} {}", command->get_name(), flag));
    }
    return usage_error(fmt::format("unknown option '{}'", flag),
                       suggestion(app, flag, flag_names(app)));
  }
  if (app.get_parent() == nullptr) {
    return usage_error(fmt::format("unknown command '{}'", word),
                       suggestion(app, word, command_names()));
  }
  return usage_error(fmt::format("unexpected argument '{}'", word), help_hint(app));
}

// CLI11's sentences, as ours: lower case, no full stop.
std::string as_message(std::string text) {
  const bool is_name = text.size() > 1 && std::isupper(static_cast<unsigned char>(text[1])) != 0;
  if (!text.empty() && text[0] != '-' && !is_name) {
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  }
  if (text.ends_with('.')) text.pop_back();
  return text;
}

// An option without its value, or with several: `--home: 1 required DIR missing`, as CLI11 puts it.
Error mismatch(const CLI::App& app, const std::string& text) {
  const std::string name = text.substr(0, text.find(':'));
  return usage_error(text.ends_with("missing") ? fmt::format("{} needs a value", name)
                                               : fmt::format("{} is given more than once", name),
                     help_hint(app));
}

// `--instruct=$TASK` with a variable that is empty or not set: CLI11 would take the next word, a
// text, for the value. An option that nobody knows is for it to refuse.
std::optional<std::string> find_option_without_value(const CLI::App& app,
                                                     const std::vector<std::string>& arguments) {
  const auto end = std::ranges::find(arguments, "--");  // Texts follow.
  for (auto word = arguments.begin(); word != end; ++word) {
    if (!word->starts_with("--") || word->find('=') != word->size() - 1) continue;
    const std::string name = word->substr(0, word->size() - 1);
    const auto knows = [&name](const CLI::App* command) {
      return command->get_option_no_throw(name) != nullptr;
    };
    if (std::ranges::any_of(app.get_subcommands({}), knows)) return name;
  }
  return std::nullopt;
}

}  // namespace

CommandLine::CommandLine()
    : app_(std::make_unique<CLI::App>(
          "runed: embedding models for every program on this machine", "runed")) {
  app_->formatter(std::make_shared<HelpFormatter>());
  app_->set_help_flag("-h,--help", "Print this help and exit");
  app_->set_version_flag(
      "--version",
      fmt::format("runed {}\nbuilt-in model: {}", kVersion, embed::builtin_model_name()),
      "Print the version and exit");
  app_->footer(kExamples);
  app_->require_subcommand(0, 1);
  for (const Command& command : commands()) {
    CLI::App* sub = app_->add_subcommand(command.name, command.summary);
    FlagSet set(*sub);
    runners_.push_back(command.define(set));
  }
}

CommandLine::~CommandLine() = default;

const CLI::App& CommandLine::chosen_app() const {
  const auto chosen = app_->get_subcommands();
  return chosen.empty() ? *app_ : *chosen.front();
}

Result<ParsedCommandLine> CommandLine::parse(const std::vector<std::string>& arguments) {
  if (const auto name = find_option_without_value(*app_, arguments)) {
    return usage_error(fmt::format("'{}=' has no value", *name),
                       "give one after the '=', or leave the option out");
  }
  // CLI11 wants them last first.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app_->parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    return ParsedCommandLine{{}, app_->help()};
  } catch (const CLI::CallForVersion&) {
    return ParsedCommandLine{{}, app_->version() + "\n"};
  } catch (const CLI::ArgumentMismatch& fault) {
    return mismatch(chosen_app(), fault.what());
  } catch (const CLI::ParseError& fault) {
    const CLI::App& app = chosen_app();
    const auto unexpected = app_->remaining(true);
    if (!unexpected.empty()) return unexpected_word(*app_, app, unexpected.front());
    return usage_error(as_message(fault.what()), help_hint(app));
  }
  const auto chosen = app_->get_subcommands();
  if (chosen.empty()) {
    return usage_error("no command given", fmt::format("one of {}; run 'runed --help'",
                                                       fmt::join(command_names(), ", ")));
  }
  const auto all = commands();
  const auto command = std::ranges::find(all, chosen.front()->get_name(), &Command::name);
  return ParsedCommandLine{runners_[static_cast<size_t>(command - all.begin())], {}};
}

std::string CommandLine::help() const {
  return app_->help();
}

bool wants_json(const std::vector<std::string>& arguments) {
  const auto end = std::ranges::find(arguments, "--");  // Texts follow.
  return std::find(arguments.begin(), end, "--json") != end;
}

}  // namespace runed::cmd
