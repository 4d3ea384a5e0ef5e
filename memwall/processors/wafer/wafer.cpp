#include "memwall/processors/wafer/wafer.h"

#include "memwall/core/error.h"
#include "memwall/processors/wafer/card.h"
#include "memwall/processors/wafer/figures.h"
#include "memwall/processors/wafer/lowering.h"
#include "memwall/processors/wafer/placement.h"

namespace memwall {
namespace {

class WaferKernels : public KernelLowering {
 public:
  explicit WaferKernels(const WaferCard& card) : card_(card) {}
  void lower(const KernelOp& op, Program& program) const override { program = lower_wafer_kernel(op, card_); }

 private:
  WaferCard card_;
};

class Wafer : public Processor {
 public:
  void check(const System& system) const override {
    if (system.pools.size() != 1 || system.pools.front().role != PoolRole::everything) {
      throw ConfigError(Location{system.file}, "role", "pools with roles",
                        "one pool with the role 'everything': a wafer runs whole layers");
    }
    read_wafer_card(system);
  }

  std::vector<Plan> candidate_plans(const Model&, const System& system) const override {
    return wafer_plans(system);
  }

  Placement place(const Model& model, const System& system, const Plan& plan,
                  const Need& need) const override {
    return place_wafer(model, system, read_wafer_card(system), plan, need);
  }

  std::unique_ptr<PlacedModel> load(const Model& model, const System& system, const Placement& placement,
                                    const LowerOptions&) const override {
    return std::make_unique<WaferModel>(model, read_wafer_card(system), placement.plan);
  }

  std::vector<Figure> figures(const System& system) const override { return wafer_figures(system); }

  std::unique_ptr<KernelLowering> open_kernels(const System& system, const LowerOptions&) const override {
    return std::make_unique<WaferKernels>(read_wafer_card(system));
  }
};

}  // namespace

std::unique_ptr<Processor> make_wafer() { return std::make_unique<Wafer>(); }

}  // namespace memwall
