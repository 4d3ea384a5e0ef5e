// untuned_layers.h - routed-expert layers that AIConfigurator's collector timed without a tuned kernel.
//
// Its collector for TensorRT-LLM keeps the kernels that the library's tuner chose in a file named after
// format, hidden size, inner width and experts of one chip, but the library looks for them by top-k and
// degrees of parallelism as well (collector/trtllm/collect_moe.py, tensorrt_llm/_torch/autotuner.py of
// github.com/NVIDIA/TensorRT-LLM). A layer that finds the file of another one of that name is not tuned: it
// runs the library's first kernel, 2 to 5 times as slow at every number of tokens. Which layer of a name came
// first is not in the table, but one of them was tuned; so those count as untuned whose best row is more than
// kSlower times as far from the roofline as the best row of that name.
#pragma once

#include <map>
#include <string>
#include <tuple>

#include "memwall/hardware/chip.h"
#include "memwall/processors/kernel_op.h"

namespace memwall {

class UntunedLayers {
 public:
  explicit UntunedLayers(const Chip& chip) : chip_(&chip) {}

  // Every row of the table first; dealt routings. `distribution` by its name.
  void add(const ExpertsOp& op, const std::string& distribution, double seconds);
  // Whether the layer, with this division and distribution, ran the first kernel.
  bool contains(const ExpertsOp& op, const std::string& distribution) const;

 private:
  static constexpr double kSlower = 1.5;
  // Format, hidden size, inner width and experts of one chip.
  using FileName = std::tuple<Format, std::int64_t, std::int64_t, std::int64_t>;
  using Layer = std::tuple<std::int64_t, std::int64_t, std::string>;  // top-k, ep, distribution
  static FileName file_name(const ExpertsOp& op);
  static Layer layer(const ExpertsOp& op, const std::string& distribution);

  const Chip* chip_;
  // Least time over roofline of any row, by layers that share a file name.
  std::map<FileName, std::map<Layer, double>> least_;
};

}  // namespace memwall
