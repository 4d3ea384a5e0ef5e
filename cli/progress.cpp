#include "cli/progress.h"

#include <cstdio>

#include <unistd.h>

#include "memwall/core/error.h"

namespace memwall {

Progress::Progress(const std::string& when, std::size_t total) : total_(total) {
  if (when != "auto" && when != "always" && when != "never") {
    throw ConfigError("--progress", quoted(when), "one of auto, always, never");
  }
  shown_ = when == "always" || (when == "auto" && ::isatty(STDERR_FILENO) == 1);
}

Progress::~Progress() {
  if (shown_ && done_ > 0) {
    std::fputs("\r\x1b[K", stderr);
  }
}

void Progress::next(const std::string& what) {
  ++done_;
  if (shown_) {
    std::fprintf(stderr, "\r\x1b[K[%zu/%zu] %s", done_, total_, what.c_str());
    std::fflush(stderr);
  }
}

}  // namespace memwall
