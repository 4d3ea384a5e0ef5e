#include "memwall/processors/dimc/resources.h"

#include <utility>

#include <fmt/format.h>

namespace memwall {
namespace {

constexpr std::array kLinkNames = {"die-to-die", "card switch", "network"};
constexpr std::array kLatencyNames = {"die-to-die hop", "card switch hop", "network hop"};

}  // namespace

DimcResources::DimcResources(const DimcCard& card) : card_(card) {
  const double clock = card.clock.value;
  sram = add_clocked(queue_resource("sram", Amount::bytes, card.sram->bandwidth.value, 1,
                                    Joules(card.sram->energy.value), Category::weights));
  if (card.lpddr) {
    lpddr = add(queue_resource("lpddr", Amount::bytes, card.lpddr->bandwidth.value, card.lpddr_achieved,
                               Joules(card.lpddr->energy.value), Category::weights));
  }
  vector = add_clocked(queue_resource("vector unit", Amount::ops, card.vector_values_per_cycle * clock, 1,
                                      Joules(card.vector_energy.value), Category::arithmetic));
  core_cycles = add_clocked(delay_resource("core cycles", clock, Category::arithmetic));
  section_latency =
      add(delay_resource("chiplet network", 1 / card.section_latency.value, Category::overhead));
  const std::array links = {card.d2d, card.scale_up, card.scale_out};
  for (std::size_t kind = 0; kind < links.size(); ++kind) {
    if (links[kind]) {
      link[kind] = add(queue_resource(kLinkNames[kind], Amount::bytes, links[kind]->bandwidth.value, 1,
                                      Joules(links[kind]->energy.value), Category::communication));
      link_latency[kind] =
          add(delay_resource(kLatencyNames[kind], 1 / links[kind]->latency.value, Category::communication));
    }
  }
  if (card.collective_overhead > Seconds(0)) {
    collective_overhead = add(
        delay_resource("collective overhead", 1 / card.collective_overhead.value, Category::communication));
  }
}

std::int32_t DimcResources::cores(int weight_bits, int activation_bits) {
  for (const Cores& known : cores_) {
    if (known.weight_bits == weight_bits && known.activation_bits == activation_bits) {
      return known.index;
    }
  }
  const std::int32_t index = add(
      queue_resource(fmt::format("cores w{}a{}", weight_bits, activation_bits), Amount::ops,
                     card_.peak(weight_bits, activation_bits).value, 1,
                     Joules(card_.energy_of_op(weight_bits, activation_bits).value), Category::arithmetic));
  cores_.push_back({weight_bits, activation_bits, index});
  return index;
}

void DimcResources::power(double cards, double overlap, Program& program) const {
  program.static_power = card_.idle * cards;
  program.power = {};
  program.power.limit = card_.tdp * cards;
  program.power.clock = card_.clock;
  program.power.voltage = card_.voltage;
  program.power.overlap = overlap;
}

std::int32_t DimcResources::add(Resource resource) {
  list_.push_back(std::move(resource));
  return static_cast<std::int32_t>(list_.size()) - 1;
}

std::int32_t DimcResources::add_clocked(Resource resource) {
  resource.follows_clock = true;
  return add(std::move(resource));
}

}  // namespace memwall
