#include <fmt/format.h>

#include "memwall/processors/processor.h"

namespace memwall {

// A queue's instructions under its name; a gap between two of them is a NOP.
std::string to_text(const ScheduleListing& listing) {
  std::string text = listing.title + "\n";
  const ScheduleListing::Line* before = nullptr;
  for (const ScheduleListing::Line& line : listing.lines) {
    const bool same = before != nullptr && before->chip == line.chip && before->queue == line.queue;
    if (!same) {
      text += fmt::format("chip {} {}\n", line.chip, line.queue);
    }
    const std::int64_t idle = line.cycle - (same ? before->cycle + 1 : 0);
    if (idle > 0) {
      text += fmt::format("{:>8}  nop {}\n", line.cycle - idle, idle);
    }
    text += fmt::format("{:>8}  {:<44}  {}\n", line.cycle, line.instruction, line.section);
    before = &line;
  }
  return text;
}

}  // namespace memwall
