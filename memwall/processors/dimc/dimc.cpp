#include "memwall/processors/dimc/dimc.h"

#include "memwall/core/error.h"
#include "memwall/processors/dimc/card.h"
#include "memwall/processors/dimc/figures.h"
#include "memwall/processors/dimc/kernels.h"
#include "memwall/processors/dimc/lowering.h"
#include "memwall/processors/dimc/placement.h"

namespace memwall {
namespace {

class Dimc : public Processor {
 public:
  void check(const System& system) const override { read_dimc_card(system); }

  std::vector<Plan> candidate_plans(const Model& model, const System& system) const override {
    return dimc_plans(read_dimc_card(system), model, system.chips());
  }

  Placement place(const Model& model, const System& system, const Plan& plan,
                  const Need& need) const override {
    return place_dimc(read_dimc_card(system), model, plan, need, system.chips());
  }

  std::unique_ptr<PlacedModel> load(const Model& model, const System& system, const Placement& placement,
                                    const LowerOptions&) const override {
    return std::make_unique<DimcModel>(read_dimc_card(system), model, placement.plan);
  }

  std::vector<TunableFact> tunable_facts(const System& system) const override {
    if (!read_dimc_card(system).d2d) {
      return {};
    }
    return {{"links.collective_overhead", 0.1e-6, 50e-6}};
  }

  std::vector<Figure> figures(const System& system) const override { return dimc_figures(system); }

  std::unique_ptr<KernelLowering> open_kernels(const System& system, const LowerOptions&) const override {
    const DimcCard card = read_dimc_card(system);
    if (!card.sram) {
      throw ConfigError("system", system.name, "a chip with a memory; a bare macro has figures only");
    }
    return open_dimc_kernels(card, system.chips());
  }
};

}  // namespace

std::unique_ptr<Processor> make_dimc() { return std::make_unique<Dimc>(); }

}  // namespace memwall
