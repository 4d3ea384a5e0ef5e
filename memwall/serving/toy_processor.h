// toy_processor.h - a processor family for tests whose every time can be worked out by hand.
//
// A chip has `memory.capacity` and `memory.bandwidth`, `compute.rate`, and `launch`, a delay per step, an
// estimate as is `unused`, which nothing reads. A plan's tp chips share the weights evenly. A step is one
// task: it reads all weights and the whole KV cache of its slices and does two operations per active
// parameter and new token.
#pragma once

#include <memory>
#include <vector>

#include "memwall/processors/processor.h"

namespace memwall {

class ToyProcessor : public Processor {
 public:
  explicit ToyProcessor(double batches_in_flight = 1) : batches_in_flight_(batches_in_flight) {}

  void check(const System&) const override {}
  std::vector<Plan> candidate_plans(const Model&, const System& system) const override;
  Placement place(const Model&, const System&, const Plan&, const Need&) const override;
  std::unique_ptr<PlacedModel> load(const Model&, const System&, const Placement&,
                                    const LowerOptions&) const override;
  std::unique_ptr<KernelLowering> open_kernels(const System&, const LowerOptions&) const override;

 private:
  double batches_in_flight_;
};

// A published fact, in base units.
Fact toy_fact(const std::string& key, double value, const Dimension& dimension);
// `count` chips of 100 GB at 1 TB/s, 100 Top/s and a launch of 10 us, estimated as 5 us to 20 us.
System toy_system(int count);
// One linear layer of 1000 x 1000 in bf16, repeated 1000 times, with attention of one head of 128: 2 GB of
// weights, 512 kB of KV per token.
Model toy_model();

}  // namespace memwall
