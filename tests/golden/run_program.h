// run_program.h - the program under test in a shell, in a folder of its own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace memwall {

// An empty folder that is removed with everything in it, and a shell whose `memwall` is the program.
class Sandbox {
 public:
  Sandbox();
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  struct Result {
    int status = 0;
    std::string output, errors;
  };
  // Neither output is a terminal. A signal is a status of 128 and its number.
  Result run(const std::string& shell_command) const;
  // Standard output and error are one terminal, lines end in "\r\n"; `environment` such as "NO_COLOR=1".
  Result run_on_terminal(const std::string& shell_command, const std::string& environment) const;

  void write(const std::string& name, const std::string& content) const;
  std::string read(const std::string& name) const;
  std::vector<std::string> files() const;  // sorted names

 private:
  std::filesystem::path root_;
};

}  // namespace memwall
