// progress.h - "[3/22] hgx-b200: llama-3.1-70b" on one line of a terminal, and nothing anywhere else.
#pragma once

#include <cstddef>
#include <string>

namespace memwall {

class Progress {
 public:
  // `when` is "auto" (only if standard error is a terminal), "always" or "never"; else ConfigError.
  Progress(const std::string& when, std::size_t total);
  ~Progress();  // clears the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void next(const std::string& what);

 private:
  bool shown_ = false;
  std::size_t done_ = 0, total_ = 0;
};

}  // namespace memwall
