#include "memwall/processors/hardwired/hardwired.h"

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/model/read_model.h"
#include "memwall/processors/hardwired/card.h"
#include "memwall/processors/hardwired/figures.h"
#include "memwall/processors/hardwired/lowering.h"
#include "memwall/processors/hardwired/neuron_hardener.h"
#include "memwall/processors/hardwired/neuron_silicon.h"
#include "memwall/processors/hardwired/placement.h"
#include "memwall/processors/hardwired/wiring.h"

namespace memwall {
namespace {

class HardwiredKernels : public KernelLowering {
 public:
  explicit HardwiredKernels(HardwiredCard card) : card_(std::move(card)) {}
  void lower(const KernelOp& op, Program& program) const override {
    program = lower_hardwired_kernel(op, card_);
  }

 private:
  HardwiredCard card_;
};

class Hardwired : public Processor {
 public:
  void check(const System& system) const override {
    for (const Pool& pool : system.pools) {
      if (pool.role != PoolRole::everything) {
        throw ConfigError(Location{system.file}, "role", std::string(name(pool.role)),
                          "'everything': the whole model is in the wires");
      }
      wiring_of(read_model(read_hardwired_card(pool.chip).wired_model));
      if (has_neurons(pool.chip)) {
        read_neuron_silicon(pool.chip);
      }
    }
  }

  std::vector<Plan> candidate_plans(const Model&, const System& system) const override {
    return hardwired_plans(system, read_hardwired_card(system.chip()));
  }

  Placement place(const Model& model, const System& system, const Plan& plan,
                  const Need& need) const override {
    const HardwiredCard card = read_hardwired_card(system.chip());
    return place_hardwired(model, read_model(card.wired_model), system, card, plan, need);
  }

  std::unique_ptr<PlacedModel> load(const Model& model, const System& system, const Placement& placement,
                                    const LowerOptions&) const override {
    const HardwiredCard card = read_hardwired_card(system.chip());
    return std::make_unique<HardwiredModel>(card, wiring_of(model), placement.plan.dp);
  }

  std::vector<Figure> figures(const System& system) const override { return hardwired_figures(system); }

  std::unique_ptr<Hardener> open_hardener(const System& system) const override {
    return has_neurons(system.chip()) ? make_neuron_hardener(system) : nullptr;
  }

  std::unique_ptr<KernelLowering> open_kernels(const System& system, const LowerOptions&) const override {
    return std::make_unique<HardwiredKernels>(read_hardwired_card(system.chip()));
  }
};

}  // namespace

std::unique_ptr<Processor> make_hardwired() { return std::make_unique<Hardwired>(); }

}  // namespace memwall
