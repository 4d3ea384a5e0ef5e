#include "memwall/processors/gpu/collective.h"

#include <algorithm>
#include <cmath>

#include "memwall/core/error.h"

namespace memwall {
namespace {

// Counts of remote accesses that wait for one another. A kernel that reads its peers: flags out and back,
// data, flags again; more flags to look at per doubling of the chips.
constexpr double kOneShotAccesses = 2.8, kOneShotPerDoubling = 0.07;
// NCCL's ring: proxies, flags and the first chunk; then one access per step around it.
constexpr double kRingAccesses = 5.2, kRingAccessesPerStep = 0.8;
// Bulk protocol: as many chunks as fill the pipe must arrive before the first leaves. Short messages are cut
// into smaller ones.
constexpr double kBulkChips = 4, kBulkAmount = 5;
// Every chip copies its share from input to output as well: so much of it as if it passed the link.
constexpr double kLocalCopy = 0.5;
constexpr double kBlock = 8192;      // bytes that one block of threads reads of each peer
constexpr double kChannels = 16384;  // bytes from which NCCL uses several channels
constexpr double kSwitchChips = 8;   // from which NCCL lets switches add

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
  const double sustained = link.sustained();
  const double wires = scale_up && spec.mesh ? std::min(1.0, peers / std::max(1, spec.domain - 1)) : 1;
  return sustained / (share * wires);
}

struct Choice {
  double seconds = 0, charged = 0, accesses = 0;
};

Choice choice_of(const LinkSpec& link, double charged, double accesses) {
  const double rate = link.bandwidth.value * link.sustained();
  return {accesses * link.latency.value + charged / rate, charged, accesses};
}

double one_shot_accesses(double p) { return kOneShotAccesses * (1 + kOneShotPerDoubling * std::log2(p)); }

Choice custom_all_reduce(const GpuSpec& spec, double bytes, double p) {
  const LinkSpec& link = spec.scale_up;
  const double factor = stretch(spec, link, link.peer, p - 1, true);
  const double flags = spec.collective.peer_flags * p * std::min(1.0, bytes / kBlock);
  return choice_of(link, (p - 1) * bytes * factor, one_shot_accesses(p) + flags);
}

// A ring of `steps` steps that moves `sent` bytes per chip, of a tensor of `bytes`, around `p` chips at
// `share` of the bandwidth.
Choice nccl(const GpuSpec& spec, const LinkSpec& link, double bytes, double sent, double steps, double p,
            double share, bool scale_up) {
  const double moved = sent * stretch(spec, link, share, p - 1, scale_up);
  const double slow =
      sent * stretch(spec, link, link.ring * spec.collective.low_latency_share, p - 1, scale_up);
  const double channels = bytes >= kChannels ? 1 + spec.collective.channels : 1;
  const double start = channels * (kRingAccesses + steps * kRingAccessesPerStep);
  const double filled = sent / (kBulkAmount * link.latency.value * link.bandwidth.value);
  const double fill = spec.collective.bulk_accesses * std::sqrt(p / kBulkChips * std::min(1.0, filled));
  const Choice low_latency = choice_of(link, slow, start), bulk = choice_of(link, moved, start + fill);
  return low_latency.seconds <= bulk.seconds ? low_latency : bulk;
}

Choice nccl_all_reduce(const GpuSpec& spec, const LinkSpec& link, double bytes, double p, bool scale_up) {
  const double share = scale_up && p >= kSwitchChips ? link.in_switch : link.ring;
  return nccl(spec, link, bytes, (2 * (p - 1) + kLocalCopy) / p * bytes, 2 * (p - 1), p, share, scale_up);
}

void spend(KernelCost& cost, const Choice& choice, double useful, bool scale_up) {
  cost.delay(scale_up ? GpuDelay::hop : GpuDelay::out_hop) = choice.accesses;
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
  if (domains > 1) {
    // One hierarchical NCCL kernel: both kinds of links at once, the start is the outer one's.
    const double share = bytes / inside;
    spend(cost, nccl_all_reduce(spec, spec.scale_out, share, domains, false), share, false);
    const double inner = 2 * (inside - 1) / inside * bytes *
                         stretch(spec, spec.scale_up, spec.scale_up.ring, inside - 1, true);
    cost.link = {std::min(bytes, inner), inner};
    return cost;
  }
  const Choice ring = nccl_all_reduce(spec, spec.scale_up, bytes, inside, true);
  const Choice custom = custom_all_reduce(spec, bytes, inside);
  const bool use_custom = algorithm == AllReduceAlgorithm::custom ||
                          (algorithm == AllReduceAlgorithm::automatic &&
                           bytes <= spec.collective.peer_buffer && custom.seconds <= ring.seconds);
  spend(cost, use_custom ? custom : ring, bytes, true);
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
    const LinkSpec& link = spec.scale_out;
    spend(cost, nccl(spec, link, bytes, outer, domains - 1, domains, link.ring, false), outer / domains,
          false);
  } else {
    cost.delay(GpuDelay::hop) = one_shot_accesses(inside);
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
  cost.delay(between_domains ? GpuDelay::out_hop : GpuDelay::hop) = kRingAccesses;
  const LinkSpec& link = between_domains ? spec.scale_out : spec.scale_up;
  (between_domains ? cost.out_link : cost.link) = {
      bytes, bytes * stretch(spec, link, link.ring, 1, !between_domains)};
  return cost;
}

}  // namespace memwall
