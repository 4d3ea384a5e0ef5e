#include "memwall/processors/gpu/gpu_spec.h"

#include <algorithm>
#include <vector>

#include "memwall/hardware/technology.h"
#include "memwall/processors/gpu/gpu_card.h"

namespace memwall {
namespace {

// Everything that a GPU card may say.
std::vector<std::string> known_keys() {
  std::vector<std::string> keys = {
      "sm.count",
      "sm.clock",
      "sm.cluster",
      "vector.fp32",
      "vector.achieved",
      "vector.exp_ops",
      "hbm.capacity",
      "hbm.bandwidth",
      "hbm.achieved.read",
      "hbm.achieved.gemm",
      "hbm.achieved.packed",
      "hbm.achieved.attention",
      "l2.capacity",
      "l2.bandwidth",
      "kernel.pointwise_start",
      "kernel.exchange_start",
      "kernel.sort_rate",
      "kernel.eager_launch",
      "kernel.experts_spread",
      "host.step",
      "host.sequence",
      "memory.reserve",
      "scale_up.domain",
      "scale_up.topology",
      "power.tdp",
      "power.idle",
      "power.busy",
      "power.links",
      "energy.hbm",
      "energy.l2",
      "energy.fp32",
      "energy.scale_up",
      "energy.scale_out",
      "energy.sequence",
      "supply.*",
  };
  for (std::string& key : gemm_keys()) {
    keys.push_back(std::move(key));
  }
  for (std::string& key : experts_keys()) {
    keys.push_back(std::move(key));
  }
  for (std::string& key : attention_keys()) {
    keys.push_back(std::move(key));
  }
  for (const Format format : kTensorFormats) {
    for (const char* group : {"tensor.", "tensor.achieved.", "energy."}) {
      keys.push_back(group + std::string(name(format)));
    }
  }
  for (const char* link : {"scale_up.", "scale_out."}) {
    for (const char* fact : {"bandwidth", "latency", "ring_achieved", "peer_achieved", "switch_achieved"}) {
      keys.push_back(std::string(link) + fact);
    }
  }
  return keys;
}

LinkSpec read_link(const GpuCard& card, const std::string& group) {
  LinkSpec link;
  link.bandwidth = card.get<BytesPerSecond>(group + ".bandwidth");
  link.latency = card.get<Seconds>(group + ".latency");
  link.ring = card.fraction(group + ".ring_achieved");
  link.peer = card.fraction(group + ".peer_achieved");
  const std::string in_switch = group + ".switch_achieved";
  link.in_switch = card.has(in_switch) ? card.fraction(in_switch) : link.ring;
  link.energy = card.get<JoulesPerByte>("energy." + group);
  return link;
}

void read_tensor(const GpuCard& card, GpuSpec& spec) {
  for (int i = 0; i < kTensorFormatCount; ++i) {
    const std::string format(name(kTensorFormats[static_cast<std::size_t>(i)]));
    TensorRate& rate = spec.tensor[static_cast<std::size_t>(i)];
    if (!card.has("tensor." + format)) {
      continue;
    }
    rate.peak = card.get<OpsPerSecond>("tensor." + format);
    rate.achieved = card.fraction("tensor.achieved." + format);
    rate.energy = card.get<JoulesPerOp>("energy." + format);
  }
}

}  // namespace

bool GpuSpec::multiplies(Format arithmetic) const {
  const int index = tensor_index(arithmetic);
  return index < 0 ? arithmetic == Format::fp32 : tensor[static_cast<std::size_t>(index)].peak.value > 0;
}

GpuSpec read_gpu_spec(const System& system) {
  const Chip& chip = system.chip();
  for (const Pool& pool : system.pools) {
    if (pool.chip.name != chip.name) {
      throw ConfigError("pools", quoted(pool.chip.name), "one kind of chip, " + chip.name);
    }
  }
  system.chip().refuse_unknown(known_keys());
  const GpuCard card(system);

  GpuSpec spec;
  spec.title = chip.title;
  spec.sms = card.count("sm.count");
  spec.clock = card.get<Hertz>("sm.clock");
  spec.cluster = card.count("sm.cluster");
  read_tensor(card, spec);
  if (!spec.multiplies(Format::bf16)) {
    throw ConfigError({chip.file, 0, 0}, "tensor.bf16", "nothing", "the dense bf16 rate of the chip");
  }
  spec.vector_peak = card.get<OpsPerSecond>("vector.fp32");
  spec.vector_achieved = card.fraction("vector.achieved");
  spec.exp_ops = card.get<Ratio>("vector.exp_ops");
  spec.vector_energy = card.get<JoulesPerOp>("energy.fp32");

  spec.hbm_capacity = card.get<Bytes>("hbm.capacity");
  spec.reserve = card.get<Bytes>("memory.reserve");
  if (spec.reserve >= spec.hbm_capacity) {
    card.refuse("memory.reserve", "less than hbm.capacity");
  }
  spec.hbm_bandwidth = card.get<BytesPerSecond>("hbm.bandwidth");
  spec.hbm_read = card.fraction("hbm.achieved.read");
  spec.hbm_gemm = card.fraction("hbm.achieved.gemm");
  spec.hbm_packed = card.fraction("hbm.achieved.packed");
  spec.hbm_attention = card.fraction("hbm.achieved.attention");
  spec.hbm_best = std::max({spec.hbm_read, spec.hbm_gemm, spec.hbm_packed, spec.hbm_attention});
  spec.hbm_energy = card.get<JoulesPerByte>("energy.hbm");
  spec.l2_capacity = card.get<Bytes>("l2.capacity");
  spec.l2_bandwidth = card.get<BytesPerSecond>("l2.bandwidth");
  spec.l2_energy = card.get<JoulesPerByte>("energy.l2");

  spec.gemm = read_gemm_spec(card);
  spec.experts = read_experts_spec(card);
  spec.attention = read_attention_spec(card);
  spec.pointwise_start = card.get<Seconds>("kernel.pointwise_start");
  spec.exchange_start = card.get<Seconds>("kernel.exchange_start");
  spec.eager_launch = card.get<Seconds>("kernel.eager_launch");
  spec.host_step = card.get<Seconds>("host.step");
  spec.host_sequence = card.get<Seconds>("host.sequence");
  spec.experts_spread = card.get<Seconds>("kernel.experts_spread");
  spec.sort_rate = card.get<Hertz>("kernel.sort_rate");

  spec.collective = collective_spec(card.word("gemm.library"));
  spec.domain = card.count("scale_up.domain");
  spec.scale_up = read_link(card, "scale_up");
  const std::string topology = card.word_or("scale_up.topology", "switch");
  if (topology != "switch" && topology != "mesh") {
    throw ConfigError({chip.file, 0, 0}, "scale_up.topology", quoted(topology), "switch or mesh");
  }
  spec.mesh = topology == "mesh";
  if (system.chips() > spec.domain) {
    spec.scale_out = read_link(card, "scale_out");
  }
  spec.tdp = card.get<Watts>("power.tdp");
  spec.busy = card.get<Watts>("power.busy");
  if (spec.busy >= spec.tdp) {
    card.refuse("power.busy", "less than power.tdp");
  }
  spec.idle = card.get<Watts>("power.idle");
  if (spec.idle >= spec.busy) {
    card.refuse("power.idle", "less than power.busy");
  }
  spec.sequence_energy = card.get<Joules>("energy.sequence");
  spec.link_power = card.get<Watts>("power.links");
  if (spec.idle + spec.link_power >= spec.tdp) {
    card.refuse("power.links", "less than power.tdp beside power.idle");
  }
  spec.voltage = voltage_curve(chip);
  return spec;
}

std::string format_refusal(const GpuSpec& spec, Format weight, Format activation) {
  const Format arithmetic = info(activation).arithmetic;
  if (!spec.multiplies(arithmetic)) {
    return spec.title + " has no " + std::string(name(arithmetic)) + " arithmetic";
  }
  if (!info(weight).weight_only && !spec.multiplies(info(weight).arithmetic)) {
    return spec.title + " has no " + std::string(name(info(weight).arithmetic)) + " arithmetic for " +
           std::string(name(weight)) + " weights";
  }
  return "";
}

}  // namespace memwall
