#include "memwall/processors/transformer_asic/transformer_asic.h"

#include "memwall/processors/transformer_asic/card.h"
#include "memwall/processors/transformer_asic/claim.h"
#include "memwall/processors/transformer_asic/lowering.h"
#include "memwall/processors/transformer_asic/placement.h"

namespace memwall {
namespace {

class TransformerAsic : public Processor {
 public:
  void check(const System& system) const override { read_asic_card(system); }
  std::vector<Plan> candidate_plans(const Model& model, const System& system) const override {
    return asic_plans(model, system.chips());
  }
  Placement place(const Model& model, const System& system, const Plan& plan,
                  const Need& need) const override {
    return place_on_asic(read_asic_card(system), model, plan, need, system.chips());
  }
  std::unique_ptr<PlacedModel> load(const Model& model, const System& system, const Placement& placement,
                                    const LowerOptions&) const override {
    return std::make_unique<AsicModel>(read_asic_card(system), model, placement.plan);
  }
  std::vector<Figure> figures(const System& system) const override {
    return claim_figures(read_asic_card(system), system);
  }
  std::unique_ptr<KernelLowering> open_kernels(const System& system, const LowerOptions&) const override {
    return std::make_unique<AsicKernels>(read_asic_card(system));
  }
};

}  // namespace

std::unique_ptr<Processor> make_transformer_asic() { return std::make_unique<TransformerAsic>(); }

}  // namespace memwall
