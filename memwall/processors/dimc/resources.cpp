#include "memwall/processors/dimc/resources.h"

#include <fmt/format.h>

namespace memwall {
namespace {

constexpr std::array kLinkNames = {"die-to-die", "card switch", "network"};
constexpr std::array kLatencyNames = {"die-to-die hop", "card switch hop", "network hop"};

}  // namespace

DimcResources::DimcResources(const DimcCard& card) : card_(card) {
  const double clock = card.clock.value;
  const double reload = card.sram->bandwidth.value;
  sram = add("sram", Amount::bytes, reload, reload, card.sram->energy.value, Category::weights);
  if (card.lpddr) {
    const double peak = card.lpddr->bandwidth.value;
    lpddr = add("lpddr", Amount::bytes, peak, peak * card.lpddr_achieved, card.lpddr->energy.value,
                Category::weights);
  }
  const double values = card.vector_values_per_cycle * clock;
  vector = add("vector unit", Amount::ops, values, values, card.vector_energy.value, Category::arithmetic);
  core_cycles = add_delay("core cycles", clock, Category::arithmetic);
  section_latency = add_delay("chiplet network", 1 / card.section_latency.value, Category::overhead);
  const std::array links = {card.d2d, card.scale_up, card.scale_out};
  for (std::size_t kind = 0; kind < links.size(); ++kind) {
    if (links[kind]) {
      const double rate = links[kind]->bandwidth.value;
      link[kind] = add(kLinkNames[kind], Amount::bytes, rate, rate, links[kind]->energy.value,
                       Category::communication);
      link_latency[kind] =
          add_delay(kLatencyNames[kind], 1 / links[kind]->latency.value, Category::communication);
    }
  }
  if (card.collective_overhead > Seconds(0)) {
    collective_overhead =
        add_delay("collective overhead", 1 / card.collective_overhead.value, Category::communication);
  }
}

std::int32_t DimcResources::cores(int weight_bits, int activation_bits) {
  for (const Cores& known : cores_) {
    if (known.weight_bits == weight_bits && known.activation_bits == activation_bits) {
      return known.index;
    }
  }
  const std::string name = fmt::format("cores w{}a{}", weight_bits, activation_bits);
  const double peak = card_.peak(weight_bits, activation_bits).value;
  const std::int32_t index =
      add(name.c_str(), Amount::ops, peak, peak, card_.energy_of_op(weight_bits, activation_bits).value,
          Category::arithmetic);
  cores_.push_back({weight_bits, activation_bits, index});
  return index;
}

std::int32_t DimcResources::add(const char* name, Amount amount, double peak, double sustained, double energy,
                                Category category) {
  Resource resource;
  resource.name = name;
  resource.amount = amount;
  resource.peak_rate = peak;
  resource.sustained_rate = sustained;
  resource.energy_per_amount = Joules(energy);
  resource.category = category;
  list_.push_back(resource);
  return static_cast<std::int32_t>(list_.size()) - 1;
}

std::int32_t DimcResources::add_delay(const char* name, double rate, Category category) {
  const std::int32_t index = add(name, Amount::messages, rate, rate, 0, category);
  list_.back().is_delay = true;
  return index;
}

}  // namespace memwall
