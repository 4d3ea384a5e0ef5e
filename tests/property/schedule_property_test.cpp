// The schedule clock over random programs: against the slow clock, against its own fast-forwarding, against
// the bound, and its accounts against its time.
#include <numeric>

#include <gtest/gtest.h>

#include "memwall/program/clock.h"
#include "memwall/program/ledger.h"
#include "tests/property/random_program.h"
#include "tests/property/slow_clock.h"

namespace memwall {
namespace {

double sum(const std::array<Seconds, kCategoryCount>& times) {
  return std::accumulate(times.begin(), times.end(), Seconds(0)).value;
}

TEST(Schedule, ExecutesAsTheContractSays) {
  check_property(2000, [] {
    const Program program = any_program(4);
    verify(program);
    ScheduleClock clock;
    std::vector<TaskSpan> spans;
    const Timing timing = clock.execute(program, &spans);
    SlowClock slow(program);
    RC_ASSERT(spans == slow.run());
    RC_ASSERT(timing.time == to_seconds(SimTime{slow.time_ps()}));
  });
}

TEST(Schedule, FastForwardingChangesNothing) {
  check_property(8000, [] {
    const Program program = any_program(300);
    ScheduleClock fast, plain;
    const Timing run = fast.run(program);
    const Timing executed = plain.execute(program);
    RC_ASSERT(run.time == executed.time);
    RC_ASSERT(run.on_path == executed.on_path);
    RC_ASSERT(fast.totals() == plain.totals());
  });
}

TEST(Schedule, ReusedBuffersChangeNothing) {
  check_property(2000, [] {
    const Program first = any_program(), second = any_program();
    ScheduleClock used, fresh;
    used.run(first);
    const Timing again = used.run(second);
    const Timing timing = fresh.run(second);
    RC_ASSERT(again.time == timing.time);
    RC_ASSERT(again.on_path == timing.on_path);
  });
}

TEST(Schedule, IsNeverBelowTheBound) {
  check_property(2000, [] {
    const Program program = any_program();
    ScheduleClock clock;
    RC_ASSERT(bound_time(program).time <= clock.run(program).time);
  });
}

TEST(Schedule, PathsSumToTheTime) {
  check_property(2000, [] {
    const Program program = any_program();
    ScheduleClock clock;
    for (const Timing& timing : {clock.run(program), bound_time(program)}) {
      RC_ASSERT(std::abs(sum(timing.on_path) - timing.time.value) <= 1e-12 * timing.time.value);
    }
  });
}

TEST(Schedule, NoResourceIsBusyLongerThanTheTime) {
  check_property(2000, [] {
    const Program program = any_program();
    ScheduleClock clock;
    const Ledger ledger = make_ledger(program, clock);
    for (std::size_t r = 0; r < ledger.resources.size(); ++r) {
      if (!program.resources[r].is_delay) {
        RC_ASSERT(ledger.resources[r].busy.value <= ledger.time.value * (1 + 1e-12));
        RC_ASSERT(ledger.resources[r].utilization <= 1 + 1e-12);
      }
    }
  });
}

TEST(Ledger, AccountsForEverySecondAndByte) {
  check_property(2000, [] {
    const Program program = any_program();
    ScheduleClock clock;
    const Ledger ledger = make_ledger(program, clock);
    Seconds on_path;
    Bytes bytes;
    Ops ops;
    Joules energy;
    std::int64_t tasks = 0;
    for (const LedgerLine& line : ledger.lines) {
      on_path += line.on_path;
      bytes += line.bytes;
      ops += line.ops;
      energy += line.energy;
      tasks += line.tasks;
    }
    RC_ASSERT(std::abs(on_path.value - ledger.time.value) <= 1e-12 * ledger.time.value);
    RC_ASSERT(std::abs(bytes.value * program.replicas - ledger.bytes.value) <= 1e-9 * ledger.bytes.value);
    RC_ASSERT(std::abs(ops.value * program.replicas - ledger.ops.value) <= 1e-9 * ledger.ops.value);
    RC_ASSERT(std::abs((energy - ledger.dynamic_energy).value) <= 1e-9 * energy.value);
    RC_ASSERT(tasks == program.task_count());
    RC_ASSERT(std::abs(std::accumulate(ledger.shares.begin(), ledger.shares.end(), 0.0) - 1) <= 1e-12);
  });
}

}  // namespace
}  // namespace memwall
