// The tasks that every lowering of this family is made of.
#include <algorithm>

#include "memwall/processors/dimc/lowering.h"

namespace memwall {

Task& DimcTasks::append(std::int32_t label) {
  Task& task = block_.tasks.emplace_back();
  task.label = label;
  if (block_.tasks.size() > 1) {
    add_predecessor(task, static_cast<std::int32_t>(block_.tasks.size()) - 2);
  }
  return task;
}

void DimcTasks::section(std::int32_t label, const Section& section, std::int32_t cores, Category category,
                        Bytes lpddr_bytes) {
  const SectionCost cost = section_cost(card_, section);
  Task& task = append(label);
  const double clock = card_.clock.value;
  const Resource& unit = resources_.list()[static_cast<std::size_t>(cores)];
  const Resource& port = resources_.list()[static_cast<std::size_t>(resources_.sram)];
  // What the demands below take when all cores share evenly; the rest of the busiest core's cycles is lost.
  double overlapped = std::max(cost.ops / unit.sustained_rate, cost.bytes / port.sustained_rate);
  if (lpddr_bytes > Bytes(0)) {
    const Resource& memory = resources_.list()[static_cast<std::size_t>(resources_.lpddr)];
    overlapped = std::max(overlapped, lpddr_bytes.value / memory.sustained_rate);
  }
  const double lost = std::max(cost.fill_cycles, cost.busiest_cycles - overlapped * clock);
  add_demand(task, resources_.section_latency, Category::overhead, 0, 1);
  add_demand(task, resources_.core_cycles, Category::arithmetic, 0, lost);
  add_demand(task, cores, Category::arithmetic, cost.useful_ops, cost.ops);
  add_demand(task, resources_.sram, category, cost.useful_bytes, cost.bytes);
  if (lpddr_bytes > Bytes(0)) {
    add_demand(task, resources_.lpddr, category, lpddr_bytes.value, lpddr_bytes.value);
  }
  if (cost.partial_sums > 0) {
    vector(label, cost.partial_sums, 1);
  }
}

void DimcTasks::vector(std::int32_t label, double values, double passes) {
  Task& task = append(label);
  add_demand(task, resources_.vector, Category::arithmetic, values * passes, values * passes);
}

void DimcTasks::memory(std::int32_t label, Bytes bytes, bool in_sram, Category category) {
  Task& task = append(label);
  const bool near = in_sram || resources_.lpddr < 0;
  add_demand(task, near ? resources_.sram : resources_.lpddr, category, bytes.value, bytes.value);
}

void DimcTasks::hop(std::int32_t label, const Level& level, double bytes, bool first) {
  const auto kind = static_cast<std::size_t>(level.link);
  Task& task = append(label);
  add_demand(task, resources_.link_latency[kind], Category::communication, 1, 1);
  if (first && resources_.collective_overhead >= 0) {
    add_demand(task, resources_.collective_overhead, Category::communication, 0, 1);
  }
  add_demand(task, resources_.link[kind], Category::communication, bytes, bytes);
}

void DimcTasks::all_reduce(std::int32_t label, const std::vector<Level>& levels, double values) {
  double left = values;  // that one chiplet still holds a sum of
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const double sent = left * (levels[i].group - 1) / levels[i].group;
    hop(label, levels[i], sent * card_.partial_sum_bytes, i == 0);
    left -= sent;
  }
  for (std::size_t i = levels.size(); i-- > 0;) {
    // Each member of the group sends its part to the others, which then hold all parts.
    hop(label, levels[i], left * (levels[i].group - 1) * card_.result_bytes, false);
    left *= levels[i].group;
  }
}

void DimcTasks::gather(std::int32_t label, const std::vector<Level>& levels, double values,
                       double bytes_per_value) {
  double held = values;  // by one chiplet
  for (std::size_t i = 0; i < levels.size(); ++i) {
    hop(label, levels[i], held * (levels[i].group - 1) * bytes_per_value, i == 0);
    held *= levels[i].group;
  }
}

void DimcTasks::send(std::int32_t label, LinkKind link, double values_per_chiplet) {
  hop(label, {link, 2}, values_per_chiplet * card_.result_bytes, true);
}

}  // namespace memwall
