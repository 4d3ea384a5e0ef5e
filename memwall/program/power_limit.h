// power_limit.h - the clock that a chip holds at its power limit.
//
// A program whose average power at full clock is within the limit runs at full clock. Above it the chip
// lowers the clock, and the supply as far as the clock allows: what follows the clock works more slowly, at
// an energy that falls with the square of the supply; memories and links keep their pace and their energy. So
// a program that waits for its memory loses little, one that computes most of the time loses much. In steady
// state: a chip averages over many milliseconds, and a short program after a pause may run unhindered.
//
// average power = (dynamic energy * overlap + static energy) / time
#pragma once

#include "memwall/program/clock.h"
#include "memwall/program/ledger.h"
#include "memwall/program/program.h"

namespace memwall {

// What flows while the program runs for `time`, whatever it does: static_power all the time, power.clocked
// but for the rest in it.
Joules static_energy(const Program& program, Seconds time);
// Of all replicas.
Joules dynamic_energy(const Program& program);
Watts average_power(const Program& program, Seconds time);  // 0 for no time

// Sets every rate and energy that follows the clock to a share of the full clock in (0, 1].
void set_clock(Program& program, double clock_share);

// Runs the program at full clock and, if that takes more than power.limit, at the highest clock, in steps of
// 1/1024 of the full one, that holds. The program is left at that clock, and the schedule clock's totals()
// are those of this run. REQUIRES: verify(program).
Timing run_within_power(Program& program, ScheduleClock& clock);
Ledger ledger_within_power(Program& program, ScheduleClock& clock);

}  // namespace memwall
