#include "memwall/processors/hardwired/resources.h"

#include <algorithm>

namespace memwall {

std::vector<Resource> hardwired_resources(const HardwiredCard& card, double array_width, double vector_macs) {
  constexpr double kOpsPerMac = 2;
  const double clock = card.clock.value;
  std::vector<Resource> resources(kResourceCount);
  const auto set = [&](std::int32_t index, const char* name, Amount amount, bool is_delay, double peak,
                       double sustained, Category category) {
    Resource& resource = resources[static_cast<std::size_t>(index)];
    resource.name = name;
    resource.amount = amount;
    resource.is_delay = is_delay;
    resource.peak_rate = peak;
    resource.sustained_rate = sustained;
    resource.category = category;
  };
  const auto delay = [&](std::int32_t index, const char* name, double peak, double sustained,
                         Category category) {
    set(index, name, Amount::messages, true, peak, sustained, category);
  };
  const auto unit = [&](std::int32_t index, const char* name, Amount amount, double peak, double sustained,
                        Category category) { set(index, name, amount, false, peak, sustained, category); };

  double wire = clock, hop = clock, overhead = clock;
  if (card.links) {
    wire = card.links->bandwidth.value;
    hop = 1 / card.links->latency.value;
    overhead = 1 / card.links->round_overhead.value;
  }
  const double hbm_peak = card.hbm ? card.hbm->peak.value : clock;
  const double hbm_spilled = card.hbm ? card.hbm->spilled.value : clock;
  const double array_ops = kOpsPerMac * card.inputs_per_cycle * array_width * clock;
  const double vector_ops = kOpsPerMac * vector_macs * clock;
  const double buffer = card.kv_bandwidth.value;

  delay(kCycles, "cycles", clock, clock, Category::arithmetic);
  delay(kLinkLatency, "link latency", hop, hop, Category::communication);
  delay(kLinkProtocol, "link protocol", overhead, overhead, Category::communication);
  delay(kLinkWire, "link wire", wire, wire, Category::communication);
  delay(kSpillWait, "hbm wait", hbm_peak, hbm_spilled, Category::kv);
  unit(kArrays, "wired arrays", Amount::ops, array_ops, array_ops, Category::arithmetic);
  unit(kVector, "vector unit", Amount::ops, vector_ops, vector_ops, Category::kv);
  unit(kBuffer, "kv_buffer", Amount::bytes, buffer, buffer, Category::kv);
  unit(kHbm, "hbm", Amount::bytes, hbm_peak, hbm_spilled, Category::kv);
  const double column_links = wire * std::max(1, card.grid_rows - 1);
  const double row_links = wire * std::max(1, card.grid_columns - 1);
  unit(kColumnLinks, "column links", Amount::bytes, column_links, column_links, Category::communication);
  unit(kRowLinks, "row links", Amount::bytes, row_links, row_links, Category::communication);
  return resources;
}

}  // namespace memwall
