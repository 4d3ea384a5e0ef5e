// program.h - a step lowered for a processor: a DAG of tasks that demand resources.
//
// No task states its own duration. It demands amounts (bytes, ops, messages) of named resources, and a clock
// turns amounts into times with the resources' rates. Identical layers are one Block with a repeat count.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "memwall/core/units.h"
#include "memwall/hardware/voltage.h"

namespace memwall {

// Where time goes, for reports.
enum class Category { weights, kv, arithmetic, communication, overhead };
inline constexpr int kCategoryCount = 5;
std::string_view name(Category category);

enum class Amount { bytes, ops, messages };  // what a resource's amounts count
inline constexpr int kAmountCount = 3;
std::string_view unit(Amount amount);  // "bytes", "ops", "messages"

// A thing tasks queue for (first come, first served in order of readiness, then of task number), or a delay:
// elapsed time without a queue, such as a kernel launch or a hop. rate counts amounts per second.
struct Resource {
  std::string name;  // "hbm", "tensor.fp8", "nvlink", "launch"
  Amount amount = Amount::messages;
  bool is_delay = false;
  double peak_rate = 0;       // datasheet: what the bound clock uses
  double sustained_rate = 0;  // what real use achieves, at most peak: what the schedule clock uses
  Joules energy_per_amount;   // joules per byte, op or message
  Category category = Category::overhead;
  bool follows_clock = false;  // its rate falls with the chip's clock, its energy with the supply squared
  bool is_rest = false;        // a delay in which the chip has nothing to do: it waits for its host
};

// What a chip does about power: it lowers its clock, and its supply with it, until the power holds
// (power_limit.h).
struct PowerControl {
  Watts limit;    // of all chips that static_power is of; 0: none
  Watts clocked;  // of the same chips at full clock, whatever they do: clock trees, schedulers; none at rest
  Hertz clock;    // at full rate; 0: not known, or nothing follows it
  VoltageCurve voltage;
  double overlap = 1;      // such programs in flight on these chips at once
  double clock_share = 1;  // of the full clock, which the rates and energies of `resources` are for
};

// achieved: the sustained rate's share of the peak.
Resource queue_resource(std::string name, Amount amount, double peak_rate, double achieved,
                        Joules energy_per_amount, Category category);
Resource delay_resource(std::string name, double rate, Category category);

// `useful` amount is what the mathematics needs and what the bound clock charges; `charged` >= useful is what
// the machine really spends (padded tiles, repeated reads) and what the schedule clock charges. A delay that
// is no part of the bound has useful = 0. `switched` is what energy is charged for: the charged amount,
// unless part of that passes time without switching anything (zeros of a padded tile, a pipe that waits).
struct Demand {
  std::int32_t resource = 0;
  Category category = Category::overhead;
  double useful = 0, charged = 0, switched = 0;
};

// A task starts when its predecessors have finished, first spends its delays one after another, and is then
// ready. It queues for all its resources together, begins when the last of them is free, works on its demands
// at once, and finishes with the last of them; each resource is free again after its own share. Demands on
// one resource (weights and KV from the same memory) are served back to back. A demand of nothing is no
// demand: it does not queue. A task without demands takes no time and joins its predecessors.
struct Task {
  static constexpr int kMaxDemands = 6;
  static constexpr int kMaxPredecessors = 4;
  std::int32_t label = 0;  // index into Program::labels: the operator it works for
  std::int32_t demand_count = 0, predecessor_count = 0;
  std::array<Demand, kMaxDemands> demands;
  std::array<std::int32_t, kMaxPredecessors> predecessors;  // earlier tasks of the same block
};

// A DAG of tasks that runs `repeat` times, one after another. Tasks without predecessors start when all
// blocks in `after` (earlier ones) and the previous repetition have finished. Blocks that no `after` orders
// run side by side and compete for resources; among tasks ready at the same time the earlier block's go
// first.
struct Block {
  std::string name;
  std::int64_t repeat = 1;
  std::vector<Task> tasks;
  std::vector<std::int32_t> after;
};

struct Program {
  std::vector<Resource> resources;
  std::vector<std::string> labels;
  std::vector<Block> blocks;
  // The program shows one of `replicas` chips that do the same at the same time; energy is charged for all,
  // and static_power is that of all of them together.
  double replicas = 1;
  Watts static_power;
  PowerControl power;

  std::int64_t task_count() const;  // repetitions counted
};

// Adds to a task; asserts on overflow of the fixed arrays. A charged amount that is below the useful one by
// no more than rounding (amounts computed along two paths) becomes the useful one.
void add_demand(Task& task, std::int32_t resource, Category category, double useful, double charged);
void add_demand(Task& task, std::int32_t resource, Category category, double useful, double charged,
                double switched);
void add_predecessor(Task& task, std::int32_t predecessor);

// Throws std::logic_error naming block and task: an index out of range, a predecessor that is not earlier,
// rates not positive, sustained above peak, charged below useful, amounts negative or not finite, a repeat
// below 1, energies negative, a power limit that power without work exceeds. The clocks and the ledger
// require a program that passes. Every lowering's tests call it.
void verify(const Program& program);
// A line per resource, block and task: what `memwall explain program` prints.
std::string to_text(const Program& program);

}  // namespace memwall
