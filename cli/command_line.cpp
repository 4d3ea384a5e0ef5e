#include "cli/command_line.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

#include <CLI/CLI.hpp>

#include "memwall/core/error.h"
#include "memwall/core/names.h"

namespace memwall {
namespace {

std::int64_t parse_integer(const std::string& option, const std::string& text, std::int64_t least,
                           std::int64_t most) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    throw ConfigError(option, quoted(text),
                      "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional()) {
      names.push_back(option->get_name());
    }
  }
  return names;
}

std::vector<std::string> verb_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(verb->get_name());
  }
  return names;
}

// "memwall op gemm"
std::string full_name(const CLI::App& verb) {
  return (verb.get_parent() == nullptr ? "" : full_name(*verb.get_parent()) + " ") + verb.get_name();
}

void refuse_leftovers(const CLI::App& verb) {
  const std::vector<std::string> left = verb.remaining();
  if (left.empty()) {
    return;
  }
  const std::vector<std::string> verbs = verb_names(verb);
  const bool is_option = left.front().starts_with("-");
  const std::string key = is_option ? "option" : verbs.empty() ? "argument" : "command";
  throw ConfigError(key, quoted(left.front()),
                    is_option       ? suggest_names(left.front(), option_names(verb))
                    : verbs.empty() ? "only options, see '" + full_name(verb) + " --help'"
                                    : suggest_names(left.front(), verbs));
}

// The library's own refusals as one line each.
[[noreturn]] void refuse(const CLI::ParseError& error) {
  std::string text = error.what();
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ArgumentMismatch)) {
    const bool missing = text.find("missing") != std::string::npos;
    throw ConfigError(text.substr(0, text.find(':')), missing ? "no value" : "more than one value",
                      "one value");
  }
  throw ConfigError("command line", memwall::quoted(text), "what --help shows");
}

}  // namespace

struct VerbState {
  CLI::App* app = nullptr;
  std::function<void()> action;
  std::vector<std::pair<const CLI::Option*, std::string>> required;  // with help, for the message
  std::vector<std::shared_ptr<VerbState>> verbs;
};

namespace {

std::shared_ptr<VerbState> chosen_verb(const std::shared_ptr<VerbState>& state) {
  for (const std::shared_ptr<VerbState>& verb : state->verbs) {
    if (verb->app->parsed()) {
      return chosen_verb(verb);
    }
  }
  return state;
}

}  // namespace

Verb Verb::verb(const std::string& name, const std::string& summary) const {
  auto state = std::make_shared<VerbState>();
  // At most one verb on a level: else the name of a verb would be taken for one wherever it stands.
  state->app = app_->add_subcommand(name, summary)->allow_extras()->require_subcommand(0, 1);
  state_->verbs.push_back(state);
  return {state->app, state};
}

void Verb::examples(const std::string& lines) const { app_->footer("Examples:\n" + lines); }

void Verb::action(std::function<void()> run) const { state_->action = std::move(run); }

void Verb::text(const std::string& option, std::string* value, const std::string& help) const {
  app_->add_option(option, *value, help);
}

void Verb::required_text(const std::string& option, std::string* value, const std::string& help) const {
  state_->required.emplace_back(app_->add_option(option, *value, help + " (required)"), help);
}

void Verb::list(const std::string& option, std::vector<std::string>* values, const std::string& help) const {
  app_->add_option(option, *values, help)->allow_extra_args(false)->delimiter(',');
}

void Verb::required_list(const std::string& option, std::vector<std::string>* values,
                         const std::string& help) const {
  CLI::Option* added = app_->add_option(option, *values, help + " (required)");
  added->allow_extra_args(false)->delimiter(',');
  state_->required.emplace_back(added, help);
}

void Verb::integer(const std::string& option, std::int64_t* value, std::int64_t least, std::int64_t most,
                   const std::string& help) const {
  app_->add_option_function<std::string>(
          option, [=](const std::string& text) { *value = parse_integer(option, text, least, most); }, help)
      ->type_name("N")
      ->default_str(std::to_string(*value));
}

void Verb::flag(const std::string& option, bool* value, const std::string& help) const {
  app_->add_flag(option, *value, help);
}

void Verb::positional(const std::string& name, std::string* value, const std::vector<std::string>& allowed,
                      const std::string& help) const {
  app_->add_option_function<std::string>(
      name,
      [=](const std::string& text) {
        if (std::find(allowed.begin(), allowed.end(), text) == allowed.end()) {
          throw ConfigError(name, quoted(text), suggest_names(text, allowed));
        }
        *value = text;
      },
      help);
}

void Verb::argument(const std::string& name, std::string* value, const std::string& help) const {
  app_->add_option(name, *value, help);
}

void Verb::each(const std::string& option, std::function<void(const std::string&)> take,
                const std::string& help) const {
  app_->add_option_function<std::vector<std::string>>(
          option,
          [take = std::move(take)](const std::vector<std::string>& values) {
            std::for_each(values.begin(), values.end(), take);
          },
          help)
      ->allow_extra_args(false);
}

CommandLine::CommandLine(const std::string& program, const std::string& summary, const std::string& version)
    : app_(std::make_unique<CLI::App>(summary, program)), state_(std::make_shared<VerbState>()) {
  app_->set_version_flag("--version", program + " " + version);
  app_->allow_extras()->require_subcommand(0, 1);
  state_->app = app_.get();
}

CommandLine::~CommandLine() = default;

Verb CommandLine::root() const { return {app_.get(), state_}; }

void CommandLine::run(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    app_->exit(help_or_version);
    return;
  } catch (const CLI::ParseError& error) {
    refuse(error);
  }
  refuse_leftovers(*app_);
  const std::shared_ptr<VerbState> verb = chosen_verb(state_);
  refuse_leftovers(*verb->app);
  for (const auto& [option, help] : verb->required) {
    if (option->count() == 0) {
      throw ConfigError(option->get_name(), "nothing", help);
    }
  }
  if (verb->action) {
    verb->action();
  } else if (verb == state_) {
    std::fputs(app_->help().c_str(), stdout);
  } else {
    throw ConfigError(verb->app->get_name(), "nothing", suggest_names("", verb_names(*verb->app)));
  }
}

}  // namespace memwall
