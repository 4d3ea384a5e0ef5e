#include "memwall/processors/wafer/resources.h"

#include <algorithm>

#include "memwall/program/power_limit.h"

namespace memwall {
namespace {

constexpr double kOpsPerMac = 2;

Resource resource(const char* name, Amount amount, bool is_delay, double rate, Category category,
                  Joules energy = Joules(0)) {
  Resource result;
  result.name = name;
  result.amount = amount;
  result.is_delay = is_delay;
  result.peak_rate = result.sustained_rate = rate;
  result.category = category;
  result.energy_per_amount = energy;
  return result;
}

}  // namespace

std::vector<Resource> wafer_resources(const WaferCard& card, int wafers) {
  const double clock = card.clock.value, cores = static_cast<double>(card.cores()) * wafers;
  return {
      resource("compute cycles", Amount::messages, true, clock, Category::arithmetic),
      resource("fabric cycles", Amount::messages, true, clock, Category::communication),
      resource("issue cycles", Amount::messages, true, clock, Category::overhead),
      resource("edge latency", Amount::messages, true, 1 / card.edge_latency.value, Category::communication),
      resource("edge wire", Amount::messages, true, card.edge_bandwidth.value, Category::communication),
      resource("cores", Amount::ops, false, kOpsPerMac * card.simd * cores * clock, Category::arithmetic,
               Joules(card.arithmetic_energy.value)),
      resource("sram", Amount::bytes, false, card.port.value * cores * clock, Category::weights,
               Joules(card.sram_energy.value)),
  };
}

Watts static_power_of(Watts measured, Watts idle, const Program& program, Seconds time) {
  return time > Seconds(0) ? std::max(idle, measured - dynamic_energy(program) / time) : measured;
}

void add_cycles(const RegionCost& cost, Task& task) {
  const MeshCycles& cycles = cost.cycles;
  if (cycles.compute > 0) {
    add_demand(task, kComputeCycles, Category::arithmetic, std::min(cost.useful_compute, cycles.compute),
               cycles.compute);
  }
  if (cycles.fabric > 0) {
    add_demand(task, kFabricCycles, Category::communication, std::min(cost.useful_fabric, cycles.fabric),
               cycles.fabric);
  }
  if (cycles.issue > 0) {
    add_demand(task, kIssueCycles, Category::overhead, 0, cycles.issue);
  }
}

}  // namespace memwall
