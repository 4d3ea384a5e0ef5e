#include "memwall/processors/hardwired/resources.h"

#include <algorithm>

namespace memwall {
namespace {

constexpr double kOpsPerMac = 2;

std::int32_t add(HardwiredResources& resources, const char* name, Amount amount, bool is_delay, double peak,
                 double sustained, Category category) {
  Resource resource;
  resource.name = name;
  resource.amount = amount;
  resource.is_delay = is_delay;
  resource.peak_rate = peak;
  resource.sustained_rate = sustained;
  resource.category = category;
  resources.list.push_back(resource);
  return static_cast<std::int32_t>(resources.list.size()) - 1;
}

std::int32_t add_delay(HardwiredResources& resources, const char* name, double peak, double sustained,
                       Category category) {
  return add(resources, name, Amount::messages, true, peak, sustained, category);
}

std::int32_t add_unit(HardwiredResources& resources, const char* name, Amount amount, double rate,
                      Category category) {
  return add(resources, name, amount, false, rate, rate, category);
}

void add_links(const HardwiredCard& card, HardwiredResources& resources) {
  const HardwiredCard::Links& links = *card.links;
  const double wire = links.bandwidth.value;
  const double hop = 1 / links.latency.value, protocol = 1 / links.round_overhead.value;
  constexpr Category kCategory = Category::communication;
  resources.link_latency = add_delay(resources, "link latency", hop, hop, kCategory);
  resources.link_protocol = add_delay(resources, "link protocol", protocol, protocol, kCategory);
  resources.link_wire = add_delay(resources, "link wire", wire, wire, kCategory);
  if (card.grid_rows > 1) {
    resources.column_links =
        add_unit(resources, "column links", Amount::bytes, wire * (card.grid_rows - 1), kCategory);
  }
  if (card.grid_columns > 1) {
    resources.row_links =
        add_unit(resources, "row links", Amount::bytes, wire * (card.grid_columns - 1), kCategory);
  }
}

}  // namespace

HardwiredResources hardwired_resources(const HardwiredCard& card, double array_width, double vector_macs) {
  const double clock = card.clock.value;
  HardwiredResources resources;
  resources.cycles = add_delay(resources, "cycles", clock, clock, Category::arithmetic);
  resources.arrays = add_unit(resources, "wired arrays", Amount::ops,
                              kOpsPerMac * card.inputs_per_cycle * array_width * clock, Category::arithmetic);
  resources.vector =
      add_unit(resources, "vector unit", Amount::ops, kOpsPerMac * vector_macs * clock, Category::kv);
  resources.buffer = add_unit(resources, "kv_buffer", Amount::bytes, card.kv_bandwidth.value, Category::kv);
  if (card.hbm) {
    const double peak = card.hbm->peak.value, spilled = card.hbm->spilled.value;
    resources.spill_wait = add_delay(resources, "hbm wait", peak, spilled, Category::kv);
    resources.hbm = add(resources, "hbm", Amount::bytes, false, peak, spilled, Category::kv);
  }
  if (card.links) {
    add_links(card, resources);
  }
  return resources;
}

}  // namespace memwall
