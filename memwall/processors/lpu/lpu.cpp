#include "memwall/processors/lpu/lpu.h"

#include "memwall/processors/lpu/card.h"
#include "memwall/processors/lpu/figures.h"
#include "memwall/processors/lpu/listing.h"
#include "memwall/processors/lpu/lowering.h"
#include "memwall/processors/lpu/placement.h"

namespace memwall {
namespace {

class LpuKernels : public KernelLowering {
 public:
  explicit LpuKernels(const LpuCard& card) : card_(card) {}
  void lower(const KernelOp& op, Program& program) const override { program = lower_lpu_kernel(op, card_); }

 private:
  LpuCard card_;
};

class Lpu : public Processor {
 public:
  void check(const System& system) const override {
    for (const Pool& pool : system.pools) {
      if (pool.chip.family == system.chip().family) {
        read_lpu_card(pool.chip);
      }
    }
  }

  std::vector<Plan> candidate_plans(const Model& model, const System& system) const override {
    return lpu_plans(model, system, read_lpu_card(system.chip()));
  }

  Placement place(const Model& model, const System& system, const Plan& plan,
                  const Need& need) const override {
    return place_on_lpus(model, system, read_lpu_card(system.chip()), plan, need);
  }

  std::unique_ptr<PlacedModel> load(const Model& model, const System& system, const Placement& placement,
                                    const LowerOptions&) const override {
    return std::make_unique<LpuModel>(model, read_lpu_card(system.chip()), placement.plan);
  }

  std::vector<TunableFact> tunable_facts(const System&) const override {
    // Up to the latency of an exchange over a network of processors.
    constexpr double kLeast = 1e-9, kMost = 20e-6;
    return {{"links.exchange_overhead", kLeast, kMost}};
  }

  std::vector<Figure> figures(const System& system) const override {
    return lpu_figures(read_lpu_card(system.chip()), system.chips());
  }

  ScheduleListing list_schedule(const Model& model, const System& system, const Plan& plan,
                                const Step& step) const override {
    return list_lpu_schedule(model, system, read_lpu_card(system.chip()), plan, step);
  }

  std::unique_ptr<KernelLowering> open_kernels(const System& system, const LowerOptions&) const override {
    return std::make_unique<LpuKernels>(read_lpu_card(system.chip()));
  }
};

}  // namespace

std::unique_ptr<Processor> make_lpu() { return std::make_unique<Lpu>(); }

}  // namespace memwall
