#include <algorithm>

#include <fmt/format.h>

#include "memwall/core/unit_text.h"
#include "memwall/program/ledger.h"

namespace memwall {
namespace {

std::string shares_line(const char* what, const std::array<double, kCategoryCount>& shares) {
  std::string text = fmt::format("share of {}:", what);
  for (std::size_t c = 0; c < shares.size(); ++c) {
    text += fmt::format(" {} {:.3f}", name(static_cast<Category>(c)), shares[c]);
  }
  return text + "\n";
}

}  // namespace

std::string clock_text(Hertz clock, double clock_share) {
  return clock_share >= 1 || !(clock.value > 0)
             ? ""
             : fmt::format("clock {} of {}: power limit", format_scaled(clock_share * clock.value, "Hz"),
                           format_scaled(clock.value, "Hz"));
}

std::string to_text(const Ledger& ledger) {
  std::string text = fmt::format("time {}, bound {}, bound by {}\n", to_text(ledger.time),
                                 to_text(ledger.bound), ledger.bound_by);
  const std::string clock = clock_text(ledger.clock, ledger.clock_share);
  text += clock + (clock.empty() ? "" : "\n");
  text += shares_line("time", ledger.shares) + shares_line("energy", ledger.energy_shares());
  text += fmt::format("ops {}, bytes {}, energy {} (dynamic {}, static {})\n", to_text(ledger.ops),
                      to_text(ledger.bytes), to_text(ledger.energy()), to_text(ledger.dynamic_energy),
                      to_text(ledger.static_energy));

  std::size_t width = 8;
  for (const LedgerLine& line : ledger.lines) {
    width = std::max(width, line.block.size() + line.label.size() + 1);
  }
  text += fmt::format("{:<{}} {:>8} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}\n", "operator", width, "tasks",
                      "on path", "busy", "waiting", "bytes", "ops", "energy");
  for (const LedgerLine& line : ledger.lines) {
    text +=
        fmt::format("{:<{}} {:>8} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}\n", line.block + "/" + line.label,
                    width, line.tasks, to_text(line.on_path), to_text(line.busy), to_text(line.waiting),
                    to_text(line.bytes), to_text(line.ops), to_text(line.energy));
  }

  width = 8;
  for (const ResourceLine& line : ledger.resources) {
    width = std::max(width, line.resource.size());
  }
  text += fmt::format("{:<{}} {:>10} {:>11} {:>10} {:>10} {:>10}\n", "resource", width, "busy", "utilization",
                      "useful", "charged", "energy");
  for (const ResourceLine& line : ledger.resources) {
    text +=
        fmt::format("{:<{}} {:>10} {:>11.3f} {:>10.3g} {:>10.3g} {:>10}\n", line.resource, width,
                    to_text(line.busy), line.utilization, line.useful, line.charged, to_text(line.energy));
  }
  return text;
}

}  // namespace memwall
