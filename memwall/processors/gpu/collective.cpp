#include "memwall/processors/gpu/collective.h"

#include <algorithm>
#include <cmath>

#include "memwall/core/error.h"

namespace memwall {
namespace {

// Rate of NCCL's low-latency protocol over that of the bulk one: 8 bytes carry 4 of data.
constexpr double kLowLatencyShare = 0.5;

// Chips of one plan that share a domain, and the number of domains.
struct Reach {
  double inside = 1, domains = 1;
};
Reach reach(const GpuSpec& spec, int chips) {
  const double inside = std::min(chips, spec.domain);
  return {inside, std::ceil(chips / inside)};
}

// What a link's bytes must be multiplied by so that the link's one sustained rate charges them at `share` of
// the peak, on the wires that lead to `peers` chips.
double stretch(const GpuSpec& spec, const LinkSpec& link, double share, double peers, bool scale_up) {
  const double sustained = std::max(link.ring, link.peer);
  const double wires = scale_up && spec.mesh ? std::min(1.0, peers / std::max(1, spec.domain - 1)) : 1;
  return sustained / (share * wires);
}

struct Choice {
  double seconds = 0, charged = 0, starts = 0, hops = 0, steps = 0, bulk = 0;
};

Choice custom_all_reduce(const GpuSpec& spec, double bytes, double p) {
  const LinkSpec& link = spec.scale_up;
  const double factor = stretch(spec, link, link.peer, p - 1, true);
  const double rate = link.bandwidth.value * std::max(link.ring, link.peer);
  Choice best;
  for (const double shots : {1.0, 2.0}) {
    const double sent = shots == 1 ? (p - 1) * bytes : 2 * (p - 1) / p * bytes;
    Choice choice{0, sent * factor, 1, shots, 0, 0};
    choice.seconds = spec.collective_start.value + shots * link.latency.value + choice.charged / rate;
    if (best.starts == 0 || choice.seconds < best.seconds) {
      best = choice;
    }
  }
  return best;
}

// `sent` bytes per chip around `p` chips.
Choice nccl(const GpuSpec& spec, const LinkSpec& link, double sent, double p, bool scale_up) {
  const double factor = stretch(spec, link, link.ring, p - 1, scale_up);
  const double rate = link.bandwidth.value * std::max(link.ring, link.peer);
  const double start = link.nccl_start.value + (p - 2) * link.nccl_step.value;
  const Choice low_latency{
      start + sent * factor / kLowLatencyShare / rate, sent * factor / kLowLatencyShare, 1, 0, p - 2, 0};
  const Choice bulk{start + link.nccl_bulk.value + sent * factor / rate, sent * factor, 1, 0, p - 2, 1};
  return low_latency.seconds <= bulk.seconds ? low_latency : bulk;
}

void spend_nccl(KernelCost& cost, const Choice& choice, double useful, bool scale_up) {
  cost.delay(scale_up ? GpuDelay::nccl_start : GpuDelay::out_nccl_start) = choice.starts;
  cost.delay(scale_up ? GpuDelay::nccl_step : GpuDelay::out_nccl_step) = choice.steps;
  cost.delay(scale_up ? GpuDelay::nccl_bulk : GpuDelay::out_nccl_bulk) = choice.bulk;
  (scale_up ? cost.link : cost.out_link) = {std::min(useful, choice.charged), choice.charged};
}

}  // namespace

AllReduceAlgorithm parse_all_reduce(const std::string& text) {
  if (text == "auto") {
    return AllReduceAlgorithm::automatic;
  }
  if (text == "custom") {
    return AllReduceAlgorithm::custom;
  }
  if (text == "nccl") {
    return AllReduceAlgorithm::nccl;
  }
  throw ConfigError("algorithm", quoted(text), "auto, custom or nccl");
}

KernelCost all_reduce_cost(const GpuSpec& spec, double bytes, int chips, AllReduceAlgorithm algorithm) {
  KernelCost cost;
  if (chips <= 1) {
    return cost;
  }
  const auto [inside, domains] = reach(spec, chips);
  const double ring_bytes = 2 * (inside - 1) / inside * bytes;
  if (domains > 1) {
    // One hierarchical NCCL kernel: both kinds of links at once, the start is the outer one's.
    const double share = bytes / inside;
    spend_nccl(cost, nccl(spec, spec.scale_out, 2 * (domains - 1) / domains * share, domains, false), share,
               false);
    const double inner = ring_bytes * stretch(spec, spec.scale_up, spec.scale_up.ring, inside - 1, true);
    cost.link = {std::min(bytes, inner), inner};
    return cost;
  }
  const Choice ring = nccl(spec, spec.scale_up, ring_bytes, inside, true);
  const Choice custom = custom_all_reduce(spec, bytes, inside);
  const bool use_custom = algorithm == AllReduceAlgorithm::custom ||
                          (algorithm == AllReduceAlgorithm::automatic && custom.seconds <= ring.seconds);
  if (use_custom) {
    cost.delay(GpuDelay::collective_start) = custom.starts;
    cost.delay(GpuDelay::hop) = custom.hops;
    cost.link = {std::min(bytes, custom.charged), custom.charged};
  } else {
    spend_nccl(cost, ring, bytes, true);
  }
  return cost;
}

KernelCost all_gather_cost(const GpuSpec& spec, double bytes, int chips) {
  KernelCost cost;
  if (chips <= 1) {
    return cost;
  }
  // Every chip receives the others' shares; custom kernels read them in one shot.
  const auto [inside, domains] = reach(spec, chips);
  const double received = bytes * (inside - 1) / inside;
  const double useful = bytes / inside;  // a switch that multicasts sends a share once
  if (inside > 1) {
    const double charged = received * stretch(spec, spec.scale_up, spec.scale_up.peer, inside - 1, true);
    cost.link = {std::min(useful, charged), charged};
  }
  if (domains > 1) {
    const double outer = bytes * (domains - 1) / domains / inside;
    spend_nccl(cost, nccl(spec, spec.scale_out, outer, domains, false), outer / domains, false);
  } else {
    cost.delay(GpuDelay::collective_start) = 1;
    cost.delay(GpuDelay::hop) = 1;
  }
  return cost;
}

KernelCost all_to_all_cost(const GpuSpec& spec, double bytes, int chips) {
  KernelCost cost;
  if (chips <= 1) {
    return cost;
  }
  const auto [inside, domains] = reach(spec, chips);
  const LinkSpec& link = spec.scale_up;
  cost.delay(GpuDelay::exchange_start) = 1;
  cost.delay(GpuDelay::hop) = 1;
  const double near = bytes * (inside - 1) / chips;
  if (near > 0) {
    cost.link = {near, near * stretch(spec, link, link.peer, inside - 1, true)};
  }
  if (domains > 1) {
    const double far = bytes * (chips - inside) / chips;
    cost.delay(GpuDelay::out_hop) = 1;
    cost.out_link = {far, far * stretch(spec, spec.scale_out, spec.scale_out.peer, inside, false)};
  }
  return cost;
}

KernelCost send_cost(const GpuSpec& spec, double bytes, bool between_domains) {
  KernelCost cost;
  cost.delay(between_domains ? GpuDelay::out_nccl_start : GpuDelay::nccl_start) = 1;
  const LinkSpec& link = between_domains ? spec.scale_out : spec.scale_up;
  (between_domains ? cost.out_link : cost.link) = {
      bytes, bytes * stretch(spec, link, link.ring, 1, !between_domains)};
  return cost;
}

}  // namespace memwall
