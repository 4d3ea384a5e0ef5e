// gpu_resources.h - the resources of a GPU in a program, and kernels as tasks that demand them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "memwall/processors/gpu/gpu_spec.h"
#include "memwall/processors/gpu/kernel_cost.h"
#include "memwall/program/program.h"

namespace memwall {

class GpuResources {
 public:
  explicit GpuResources(const GpuSpec& spec);

  const std::vector<Resource>& list() const { return resources_; }

  // Sets the program's resources, and the powers of `chips` chips of which it shows one of `replicas`.
  void start(Program& program, double replicas, double chips, double overlap) const;

  // Fills in the demands of `task`. eager: the host launches the kernel as well, at the same time.
  // REQUIRES: the chip multiplies cost.arithmetic when cost.tensor is not empty.
  void demand(const KernelCost& cost, bool eager, Task& task) const;

 private:
  std::int32_t add(Resource resource);

  std::vector<Resource> resources_;
  Watts static_power_, link_power_;  // of one chip, as power_
  PowerControl power_;
  std::array<std::int32_t, kGpuDelayCount> delay_{};
  std::array<std::int32_t, kTensorFormatCount> tensor_{};
  std::int32_t host_ = 0, vector_ = 0, hbm_ = 0, l2_ = 0, link_ = 0, out_link_ = -1;
};

}  // namespace memwall
