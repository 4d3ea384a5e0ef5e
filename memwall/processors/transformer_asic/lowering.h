// lowering.h - a step as a walk through the fixed graph.
//
// Every operator is a task after the one before. A matrix holds the arrays for the cycles of array.h, then
// waits for their fill; softmax and pointwise units have rates of their own. Weights and cache stream from
// HBM ahead of their operators, in order, as far as one layer ahead. Sums over chips follow the operators
// that end in one.
#pragma once

#include <string>
#include <vector>

#include "memwall/processors/placement.h"
#include "memwall/processors/processor.h"
#include "memwall/processors/transformer_asic/card.h"

namespace memwall {

class AsicModel : public PlacedModel {
 public:
  AsicModel(const AsicCard& card, const Model& model, const Plan& plan);
  void lower(const Step& step, Program& program) const override;
  double batches_in_flight() const override { return plan_.pp; }

 private:
  AsicCard card_;
  Model model_;
  Plan plan_;
  std::vector<Resource> resources_;
  std::vector<std::string> labels_;
};

// Throws ConfigError for what the arrays do not compute.
class AsicKernels : public KernelLowering {
 public:
  explicit AsicKernels(const AsicCard& card);
  void lower(const KernelOp& op, Program& program) const override;

 private:
  AsicCard card_;
  std::vector<Resource> resources_;
};

}  // namespace memwall
