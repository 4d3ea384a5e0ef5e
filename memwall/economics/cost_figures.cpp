#include "memwall/economics/cost_figures.h"

#include <string>

#include "memwall/economics/comparison.h"

namespace memwall {
namespace {

class FigureList {
 public:
  void usd(const std::string& name, Usd amount) { list_.push_back({"cost." + name, amount.value, "USD"}); }
  void millions(const std::string& name, Usd amount) {
    constexpr double kMillion = 1e6;
    list_.push_back({"cost." + name, amount.value / kMillion, "M USD"});
  }
  void plain(const std::string& name, double value, const char* unit = "") {
    list_.push_back({"cost." + name, value, unit});
  }
  std::vector<Figure> take() { return std::move(list_); }

 private:
  std::vector<Figure> list_;
};

void add_program(const System& system, const ChipProgram& program, const std::string& end,
                 FigureList& figures) {
  figures.usd("package_and_test" + end, program.package_and_test);
  figures.usd("memory" + end, program.memory);
  figures.millions("masks_shared" + end, program.masks_shared);
  figures.millions("masks_of_variant" + end, program.masks_of_variant);
  figures.millions("masks_variable" + end, program.masks_variable);
  figures.millions("nre" + end, program.nre());
  for (const OtherModel& model : other_models(system, program)) {
    figures.millions("masks." + model.name + end, model.masks);
  }
}

void add_volume(const VolumeComparison& volume, const ChipProgram& program, const std::string& end,
                const Ownership& owned, Usd respun, FigureList& figures) {
  const std::string prefix = volume.name + ".";
  figures.millions(prefix + "first" + end, program.first(volume.systems));
  figures.millions(prefix + "respin" + end, program.respin(volume.systems));
  figures.millions(prefix + "maintenance" + end, owned.maintenance);
  figures.millions(prefix + "total" + end, owned.total());
  figures.millions(prefix + "total_with_respins" + end, respun);
}

}  // namespace

std::vector<Figure> cost_figures(const System& system) {
  FigureList figures;
  if (!has_chip_program(system)) {
    return figures.take();
  }
  const ChipProgram low = chip_program(system, CostCase::low), high = chip_program(system, CostCase::high);
  figures.plain("yield", low.yield);
  figures.plain("gross_dies", low.gross_dies);
  figures.plain("good_dies", low.good_dies);
  figures.usd("die", low.die);
  add_program(system, low, ".low", figures);
  add_program(system, high, ".high", figures);
  for (const VolumeComparison& volume : compare_ownership(system)) {
    const std::string prefix = volume.name + ".";
    figures.millions(prefix + "infrastructure", volume.low.infrastructure);
    figures.millions(prefix + "electricity", volume.low.electricity);
    figures.plain(prefix + "carbon", volume.low.carbon_tonnes, "t");
    figures.plain(prefix + "carbon_with_respins", volume.respun_carbon_tonnes, "t");
    add_volume(volume, low, ".low", volume.low, volume.respun_low, figures);
    add_volume(volume, high, ".high", volume.high, volume.respun_high, figures);
    const Ownership& fleet = volume.claimed.cost;
    figures.millions(prefix + "fleet_purchase", fleet.purchase);
    figures.millions(prefix + "fleet_infrastructure", fleet.infrastructure);
    figures.millions(prefix + "fleet_electricity", fleet.electricity);
    figures.millions(prefix + "fleet_maintenance", fleet.maintenance);
    figures.millions(prefix + "fleet_total", fleet.total());
    figures.plain(prefix + "fleet_carbon", fleet.carbon_tonnes, "t");
    figures.millions(prefix + "fleet_by_throughput_total", volume.by_throughput.cost.total());
  }
  return figures.take();
}

}  // namespace memwall
