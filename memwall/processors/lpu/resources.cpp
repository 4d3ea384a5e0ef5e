#include "memwall/processors/lpu/resources.h"

namespace memwall {
namespace {

constexpr double kOpsPerMac = 2;

std::int32_t add(LpuResources& resources, const char* name, Amount amount, double peak, double sustained,
                 Joules energy, Category category) {
  Resource resource;
  resource.name = name;
  resource.amount = amount;
  resource.is_delay = amount == Amount::messages;
  resource.peak_rate = peak;
  resource.sustained_rate = sustained;
  resource.energy_per_amount = energy;
  resource.category = category;
  resources.list.push_back(resource);
  return static_cast<std::int32_t>(resources.list.size()) - 1;
}

std::int32_t add_delay(LpuResources& resources, const char* name, double rate, Category category) {
  return add(resources, name, Amount::messages, rate, rate, Joules(0), category);
}

}  // namespace

LpuResources lpu_resources(const LpuCard& card) {
  const LpuGeometry& g = card.geometry;
  const double clock = card.clock.value;
  LpuResources resources;
  resources.cycles = add_delay(resources, "cycles", clock, Category::overhead);
  resources.hop = add_delay(resources, "hop", 1 / card.links.latency.value, Category::communication);
  resources.exchange =
      add_delay(resources, "exchange", 1 / card.links.exchange_overhead.value, Category::communication);
  resources.host = add_delay(resources, "host", 1 / card.host_latency.value, Category::communication);
  const double sram = static_cast<double>(g.sram_bytes_per_cycle()) * clock;
  resources.sram =
      add(resources, "sram", Amount::bytes, sram, sram, Joules(card.sram_energy.value), Category::weights);
  // Of the streams at a cut, those that carry weights while activations flow beside them.
  const double weights = static_cast<double>(LpuGeometry::kPlanes * g.weight_streams() * g.lanes()) * clock;
  resources.streams =
      add(resources, "weight streams", Amount::bytes, static_cast<double>(g.stream_bytes_per_cycle()) * clock,
          weights, Joules(0), Category::weights);
  const double byte_rate = kOpsPerMac * card.macs_per_cycle(true) * clock;
  const double half_rate = kOpsPerMac * card.macs_per_cycle(false) * clock;
  resources.byte_arrays =
      add(resources, card.byte_format == Format::int8 ? "arrays.int8" : "arrays.fp8", Amount::ops, byte_rate,
          byte_rate, Joules(card.byte_energy.value), Category::arithmetic);
  resources.half_arrays = add(resources, "arrays.fp16", Amount::ops, half_rate, half_rate,
                              Joules(card.half_energy.value), Category::arithmetic);
  resources.links = add(resources, "c2c link", Amount::bytes, card.links.bandwidth.value,
                        card.links.bandwidth.value, Joules(card.link_energy.value), Category::communication);
  return resources;
}

LinkTiming link_timing(const LpuCard& card) {
  LinkTiming timing;
  timing.wire = card.geometry.lanes() / card.links.bandwidth.value * card.clock.value;
  timing.flight = card.links.latency.value * card.clock.value;
  timing.node = card.links.node;
  timing.global = card.links.global;
  return timing;
}

}  // namespace memwall
