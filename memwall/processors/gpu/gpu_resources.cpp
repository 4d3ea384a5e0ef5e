#include "memwall/processors/gpu/gpu_resources.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

namespace memwall {
namespace {

// On the chip's own clock, as memories and links outside it are not.
Resource clocked(Resource resource) {
  resource.follows_clock = true;
  return resource;
}

}  // namespace

std::int32_t GpuResources::add(Resource resource) {
  resources_.push_back(std::move(resource));
  return static_cast<std::int32_t>(resources_.size()) - 1;
}

GpuResources::GpuResources(const GpuSpec& spec) {
  const auto add_delay = [this](GpuDelay which, const char* name, Seconds each,
                                Category category = Category::overhead) {
    delay_[static_cast<std::size_t>(which)] = add(delay_resource(name, 1 / each.value, category));
  };
  add_delay(GpuDelay::gemm_start, "gemm_start", spec.gemm.start);
  add_delay(GpuDelay::gemm_helper, "gemm_helper", spec.gemm.helper_start);
  add_delay(GpuDelay::stall, "stall", kStall);
  add_delay(GpuDelay::attention_start, "attention_start", spec.attention.start);
  add_delay(GpuDelay::prepare_start, "prepare_start", spec.attention.prepare_start);
  add_delay(GpuDelay::pointwise_start, "pointwise_start", spec.pointwise_start);
  add_delay(GpuDelay::host_step, "host_step", spec.host_step);
  resources_.back().is_rest = true;
  add_delay(GpuDelay::host_sequence, "host_sequence", spec.host_sequence);
  resources_.back().energy_per_amount = spec.sequence_energy;
  add_delay(GpuDelay::experts_spread, "experts_spread", spec.experts_spread, Category::communication);
  const auto add_link = [&](const LinkSpec& link, const std::string& prefix, GpuDelay hop) {
    add_delay(hop, (prefix + "hop").c_str(), link.latency, Category::communication);
    return add(queue_resource(prefix + "link", Amount::bytes, link.bandwidth.value, link.sustained(),
                              Joules(link.energy.value), Category::communication));
  };
  add_delay(GpuDelay::exchange_start, "exchange_start", spec.exchange_start, Category::communication);
  link_ = add_link(spec.scale_up, "", GpuDelay::hop);
  if (spec.scale_out.bandwidth.value > 0) {
    out_link_ = add_link(spec.scale_out, "out_", GpuDelay::out_hop);
  }
  host_ = add(queue_resource("host", Amount::messages, 1 / spec.eager_launch.value, 1, Joules(0),
                             Category::overhead));
  hbm_ = add(queue_resource("hbm", Amount::bytes, spec.hbm_bandwidth.value, spec.hbm_best,
                            Joules(spec.hbm_energy.value), Category::weights));
  l2_ = add(clocked(queue_resource("l2", Amount::bytes, spec.l2_bandwidth.value, 1,
                                   Joules(spec.l2_energy.value), Category::overhead)));
  vector_ = add(clocked(queue_resource("vector", Amount::ops, spec.vector_peak.value, spec.vector_achieved,
                                       Joules(spec.vector_energy.value), Category::arithmetic)));
  for (std::size_t i = 0; i < tensor_.size(); ++i) {
    const TensorRate& rate = spec.tensor[i];
    tensor_[i] = -1;
    if (rate.peak.value > 0) {
      tensor_[i] = add(clocked(queue_resource("tensor." + std::string(name(kTensorFormats[i])), Amount::ops,
                                              rate.peak.value, rate.achieved, Joules(rate.energy.value),
                                              Category::arithmetic)));
    }
  }
  static_power_ = spec.idle;
  link_power_ = spec.link_power;
  power_.limit = spec.tdp;
  power_.clocked = spec.busy - spec.idle;
  power_.clock = spec.clock;
  power_.voltage = spec.voltage;
}

void GpuResources::start(Program& program, double replicas, double chips, double overlap) const {
  program.resources = resources_;
  program.replicas = replicas;
  program.static_power = (static_power_ + (chips > 1 ? link_power_ : Watts(0))) * chips;
  program.power = power_;
  program.power.limit *= chips;
  program.power.clocked *= chips;
  program.power.overlap = overlap;
}

void GpuResources::demand(const KernelCost& cost, bool eager, Task& task) const {
  for (std::size_t i = 0; i < cost.delays.size(); ++i) {
    if (cost.delays[i] > 0) {
      const std::int32_t resource = delay_[i];
      const bool is_stall = i == static_cast<std::size_t>(GpuDelay::stall);
      add_demand(task, resource,
                 is_stall ? cost.stalled : resources_[static_cast<std::size_t>(resource)].category, 0,
                 cost.delays[i]);
    }
  }
  // Charges are computed by other roundings than the useful amounts; equal ones may differ in the last bit.
  const auto spend = [&task](std::int32_t resource, Category category, const Spent& spent, double switched) {
    if (spent.charged > 0) {
      assert(resource >= 0);
      add_demand(task, resource, category, spent.useful, std::max(spent.useful, spent.charged), switched);
    }
  };
  // What a kernel charges HBM for weights and KV beyond their bytes is a rate that it does not reach; the
  // sampler's sort is known by its rate only.
  const bool is_counted = cost.memory == Category::weights || cost.memory == Category::kv;
  spend(hbm_, cost.memory, cost.hbm, is_counted ? cost.hbm.useful : cost.hbm.charged);
  spend(l2_, cost.feed, cost.l2, cost.l2.charged);
  // Padding multiplies zeros.
  if (const int index = tensor_index(cost.arithmetic); index >= 0) {
    spend(tensor_[static_cast<std::size_t>(index)], Category::arithmetic, cost.tensor, cost.tensor.useful);
  }
  spend(vector_, Category::arithmetic, cost.vector, cost.vector.useful);
  spend(link_, Category::communication, cost.link, cost.link.charged);
  spend(out_link_, Category::communication, cost.out_link, cost.out_link.charged);
  if (eager) {
    add_demand(task, host_, Category::overhead, 0, 1);
  }
}

double alone_seconds(const GpuSpec& spec, const KernelCost& cost) {
  Task task;
  const GpuResources resources(spec);
  resources.demand(cost, false, task);
  double delays = 0, longest = 0;
  for (int i = 0; i < task.demand_count; ++i) {
    const Demand& demand = task.demands[static_cast<std::size_t>(i)];
    const Resource& resource = resources.list()[static_cast<std::size_t>(demand.resource)];
    const double seconds = demand.charged / resource.sustained_rate;
    if (resource.is_delay) {
      delays += seconds;
    } else {
      longest = std::max(longest, seconds);
    }
  }
  return delays + longest;
}

}  // namespace memwall
