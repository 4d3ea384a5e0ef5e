// command_line.h - verbs and their options. The only place that knows the library behind them (CLI11 takes
// long to compile).
//
// Bad input never prints usage: it is a ConfigError, shown as one line.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace memwall {

struct VerbState;  // what a verb still has to check and do once the line is read

// One verb, such as "race", or "gemm" below "op". Options store into variables that must live until the
// action has run.
class Verb {
 public:
  Verb(CLI::App* app, std::shared_ptr<VerbState> state) : app_(app), state_(std::move(state)) {}

  Verb verb(const std::string& name, const std::string& summary) const;  // a verb below this one
  void examples(const std::string& lines) const;                         // shown at the end of --help
  // What the verb does once the command line is read. Without an action, a verb below it must be named.
  void action(std::function<void()> run) const;

  void text(const std::string& option, std::string* value, const std::string& help) const;
  void required_text(const std::string& option, std::string* value, const std::string& help) const;
  // Any number of times, each with one or more values separated by commas.
  void list(const std::string& option, std::vector<std::string>* values, const std::string& help) const;
  void required_list(const std::string& option, std::vector<std::string>* values,
                     const std::string& help) const;
  // A whole number in [least, most].
  void integer(const std::string& option, std::int64_t* value, std::int64_t least, std::int64_t most,
               const std::string& help) const;
  void flag(const std::string& option, bool* value, const std::string& help) const;
  // One of `allowed`, given without an option's name.
  void positional(const std::string& name, std::string* value, const std::vector<std::string>& allowed,
                  const std::string& help) const;
  // Any text, given without an option's name; may be missing.
  void argument(const std::string& name, std::string* value, const std::string& help) const;
  // Any number of times: called with each value.
  void each(const std::string& option, std::function<void(const std::string&)> take,
            const std::string& help) const;

 private:
  CLI::App* app_;
  std::shared_ptr<VerbState> state_;
};

class CommandLine {
 public:
  CommandLine(const std::string& program, const std::string& summary, const std::string& version);
  ~CommandLine();

  Verb root() const;
  // Reads the arguments and runs the verb they name; prints help and version. Throws ConfigError for what
  // nothing takes, for a required option that is missing, and what the action throws.
  void run(int argc, char** argv);

 private:
  std::unique_ptr<CLI::App> app_;
  std::shared_ptr<VerbState> state_;
};

}  // namespace memwall
