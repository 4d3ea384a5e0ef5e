#include "memwall/processors/systolic/systolic.h"

#include <utility>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/processors/systolic/card.h"
#include "memwall/processors/systolic/figures.h"
#include "memwall/processors/systolic/kernels.h"
#include "memwall/processors/systolic/lowering.h"
#include "memwall/processors/systolic/placement.h"
#include "memwall/processors/systolic/rtl.h"

namespace memwall {
namespace {

class Systolic : public Processor {
 public:
  void check(const System& system) const override {
    const SystolicCard card = read_systolic_card(system);
    if (system.chips() > card.domain) {
      throw ConfigError(Location{system.file}, "pools", fmt::format("{} chips", system.chips()),
                        fmt::format("at most scale_up.domain, {}", card.domain));
    }
  }

  std::vector<Plan> candidate_plans(const Model& model, const System& system) const override {
    return systolic_plans(model, read_systolic_card(system), system.chips());
  }

  Placement place(const Model& model, const System& system, const Plan& plan,
                  const Need& need) const override {
    return place_systolic(model, read_systolic_card(system), plan, need, system.chips());
  }

  std::unique_ptr<PlacedModel> load(const Model& model, const System& system, const Placement& placement,
                                    const LowerOptions&) const override {
    return std::make_unique<SystolicModel>(read_systolic_card(system), model, placement.plan);
  }

  std::vector<Figure> figures(const System& system) const override { return systolic_figures(system); }

  std::vector<KernelVariant> kernel_variants(const KernelOp& op, const System& system) const override {
    return systolic_variants(read_systolic_card(system), op);
  }

  std::optional<std::string> rtl(const RtlOptions& options) const override { return systolic_rtl(options); }

  std::unique_ptr<KernelLowering> open_kernels(const System& system, const LowerOptions&) const override {
    return open_systolic_kernels(read_systolic_card(system), system.chips());
  }
};

}  // namespace

std::unique_ptr<Processor> make_systolic() { return std::make_unique<Systolic>(); }

}  // namespace memwall
