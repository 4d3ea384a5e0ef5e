// ledger.h - the account of a timed Program: where every second, byte and joule went.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "memwall/program/clock.h"
#include "memwall/program/program.h"

namespace memwall {

struct LedgerLine {  // one operator label in one block, all repetitions
  std::string block, label;
  std::int64_t tasks = 0;
  Seconds busy, waiting;  // summed over tasks
  Seconds on_path;        // share of the step's critical path
  Bytes bytes;            // charged, per replica
  Ops ops;                // useful, per replica
  Joules energy;          // dynamic, all replicas
};
struct ResourceLine {
  std::string resource;
  Seconds busy;
  double utilization = 0;          // busy / time; 0 for delays
  double useful = 0, charged = 0;  // amounts, per replica
  Joules energy;
};

struct Ledger {
  Seconds time, bound;
  std::array<double, kCategoryCount> shares{};  // fractions of time, sum to 1
  Ops ops;                                      // useful, all replicas
  Bytes bytes;                                  // moved from memories and links, charged, all replicas
  // dynamic: of amounts; static: of powers that flow whatever is done.
  Joules dynamic_energy, static_energy;
  std::array<Joules, kCategoryCount> energies{};  // of all replicas; what is static counts as overhead
  Joules energy() const { return dynamic_energy + static_energy; }
  std::array<double, kCategoryCount> energy_shares() const;  // sum to 1; zeros without energy
  Hertz clock;                                               // full, 0: not known
  double clock_share = 1;                                    // below 1: what the power limit left of it
  std::string bound_by;                                      // the category with the largest share
  std::vector<LedgerLine> lines;
  std::vector<ResourceLine> resources;
};

Ledger make_ledger(const Program& program, ScheduleClock& clock);
// The same from a run that has been: `timing` and `totals` are what the schedule clock gave.
Ledger make_ledger(const Program& program, const Timing& timing, const std::vector<TaskTotals>& totals);
std::string to_text(const Ledger& ledger);
// "clock 1.41 GHz of 1.83 GHz: power limit"; empty at full clock.
std::string clock_text(Hertz clock, double clock_share);

}  // namespace memwall
