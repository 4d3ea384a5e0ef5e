#include "memwall/processors/systolic/resources.h"

#include <algorithm>
#include <string>
#include <utility>

namespace memwall {
namespace {

constexpr double kOpsPerMac = 2;

std::int32_t add(std::vector<Resource>& list, Resource resource) {
  list.push_back(std::move(resource));
  return static_cast<std::int32_t>(list.size()) - 1;
}

std::int32_t add(std::vector<Resource>& list, std::string name, Amount amount, double peak, double achieved,
                 Joules energy, Category category) {
  return add(list, queue_resource(std::move(name), amount, peak, achieved, energy, category));
}

// At its peak, which falls with the chip's clock.
std::int32_t add_clocked(std::vector<Resource>& list, std::string name, Amount amount, double peak,
                         Joules energy, Category category) {
  Resource resource = queue_resource(std::move(name), amount, peak, 1, energy, category);
  resource.follows_clock = true;
  return add(list, std::move(resource));
}

std::int32_t add_delay(std::vector<Resource>& list, std::string name, Seconds each, Category category) {
  return add(list, delay_resource(std::move(name), 1 / each.value, category));
}

double cells(const ArrayShape& array) {
  return static_cast<double>(array.count) * static_cast<double>(array.rows) *
         static_cast<double>(array.columns);
}

}  // namespace

SystolicCost& SystolicCost::operator+=(const SystolicCost& other) {
  starts += other.starts;
  hops += other.hops;
  host_steps += other.host_steps;
  arithmetic = other.arithmetic;
  macs += other.macs;
  cycles += other.cycles;
  vector_ops += other.vector_ops;
  sram += other.sram;
  hbm_weights += other.hbm_weights;
  hbm_kv += other.hbm_kv;
  link += other.link;
  sram_kind = other.sram_kind;
  return *this;
}

SystolicResources::SystolicResources(const SystolicCard& card) : card_(card) {
  start_ = add_delay(all_, "op start", card.op_start, Category::overhead);
  host_ = add_delay(all_, "host", card.step_host, Category::overhead);
  vector_ = add_clocked(all_, "vector", Amount::ops, card.vector.value, Joules(card.vector_energy.value),
                        Category::arithmetic);
  sram_ = add_clocked(all_, "sram", Amount::bytes, card.sram_bandwidth.value, Joules(card.sram_energy.value),
                      Category::weights);
  hbm_ = add(all_, "hbm", Amount::bytes, card.hbm_bandwidth.value, card.hbm_achieved,
             Joules(card.hbm_energy.value), Category::kv);
  if (card.links) {
    hop_ = add_delay(all_, "hop", card.links->latency, Category::communication);
    link_ = add(all_, "link", Amount::bytes, card.links->bandwidth.value, card.links->achieved,
                Joules(card.links->energy.value), Category::communication);
  }
  const auto add_side = [&](Side side, const std::string& suffix) {
    const auto s = static_cast<std::size_t>(side);
    array_[s] = add_clocked(all_, "array" + suffix, Amount::messages, card.clock.value, Joules(0),
                            Category::arithmetic);
    macs_[s].fill(-1);
    for (std::size_t f = 0; f < card.macs_per_cell.size(); ++f) {
      if (card.macs_per_cell[f] > 0) {
        const auto format = static_cast<Format>(f);
        macs_[s][f] =
            add_clocked(all_, "macs" + suffix + "." + std::string(name(format)), Amount::ops,
                        card.peak(format).value, Joules(card.energy[f].value), Category::arithmetic);
      }
    }
  };
  add_side(Side::whole, "");
  if (card.splits()) {
    add_side(Side::decode, ".decode");
    add_side(Side::prefill, ".prefill");
  }
}

double SystolicResources::share(Side side, std::int64_t slabs) const {
  const double decode = static_cast<double>(slabs) / static_cast<double>(card_.finest.row_parts);
  return side == Side::whole ? 1 : side == Side::decode ? decode : 1 - decode;
}

void SystolicResources::list(std::int64_t slabs, std::vector<Resource>& list) const {
  list = all_;
  if (slabs == 0) {
    return;
  }
  for (const Side side : {Side::decode, Side::prefill}) {
    for (const std::int32_t index : macs_[static_cast<std::size_t>(side)]) {
      if (index >= 0) {
        list[static_cast<std::size_t>(index)].peak_rate *= share(side, slabs);
        list[static_cast<std::size_t>(index)].sustained_rate *= share(side, slabs);
      }
    }
  }
}

void SystolicResources::power(double chips, double overlap, Program& program) const {
  program.static_power = card_.idle * chips;
  program.power = {};
  program.power.limit = card_.tdp * chips;
  program.power.clock = card_.clock;
  program.power.voltage = card_.voltage;
  program.power.overlap = overlap;
}

void SystolicResources::demand(const SystolicCost& cost, Side side, std::int64_t slabs, Task& task) const {
  const auto delay = [&](std::int32_t resource, Category category, double times) {
    if (times > 0 && resource >= 0) {
      add_demand(task, resource, category, 0, times);
    }
  };
  const auto spend = [&](std::int32_t resource, Category category, double useful, double charged) {
    if (charged > 0) {
      add_demand(task, resource, category, useful, std::max(useful, charged));
    }
  };
  delay(start_, Category::overhead, cost.starts);
  delay(host_, Category::overhead, cost.host_steps);
  delay(hop_, Category::communication, cost.hops);
  if (cost.macs > 0) {
    const Format format = card_.computed_in(cost.arithmetic);
    const double rate = card_.rate(format);
    const double least = cost.macs / (cells(card_.array) * share(side, slabs) * rate);
    const auto s = static_cast<std::size_t>(side);
    spend(array_[s], Category::arithmetic, least, cost.cycles / rate);
    spend(macs_[s][static_cast<std::size_t>(format)], Category::arithmetic, kOpsPerMac * cost.macs,
          kOpsPerMac * cost.macs);
  }
  spend(vector_, Category::arithmetic, cost.vector_ops, cost.vector_ops);
  spend(sram_, cost.sram_kind, cost.sram, cost.sram);
  spend(hbm_, Category::weights, cost.hbm_weights, cost.hbm_weights);
  spend(hbm_, Category::kv, cost.hbm_kv, cost.hbm_kv);
  spend(link_, Category::communication, cost.link, cost.link);
}

}  // namespace memwall
