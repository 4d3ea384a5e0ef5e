// error.h - the one exception for bad input.
//
// Bad input is met at the door with one line: file:line:column, key, what was found, what was expected.
// An expected outcome ("does not fit") is never an exception; a bug is an assert.
#pragma once

#include <stdexcept>
#include <string>

namespace memwall {

struct Location {
  std::string file;  // empty when the input did not come from a file
  int line = 0;      // from 1; 0 when unknown
  int column = 0;
};

// What the command line prints after "memwall: " before it exits with status 2.
class ConfigError : public std::runtime_error {
 public:
  // "file:12:3: key: found FOUND, expected EXPECTED"; an empty part is left out with its punctuation.
  ConfigError(const Location& where, const std::string& key, const std::string& found,
              const std::string& expected);
  // For input that is not in a file, such as a command-line option.
  ConfigError(const std::string& key, const std::string& found, const std::string& expected);
};

// 'text' in quotes, shortened to 60 characters, control characters replaced: safe on one line of a message.
std::string quoted(const std::string& text);

}  // namespace memwall
