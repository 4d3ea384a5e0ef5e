#include "memwall/economics/chip_program.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/economics/cost_facts.h"
#include "memwall/economics/yield.h"

namespace memwall {
namespace {

using UsdPerByte = Quantity<0, -1, 0, 0, 1, 0>;

constexpr const char* kYield = "cost.yield";

SquareMillimetres die_area(const Chip& chip) {
  SquareMillimetres area;
  for (const std::string& block : chip.below("area")) {
    area += chip.get<SquareMillimetres>("area." + block);
  }
  return area;
}

void price_dies(const System& system, const CostFacts& facts, ChipProgram& program) {
  const SquareMillimetres die = die_area(system.chip());
  if (die.value <= 0) {
    throw ConfigError(Location{system.chip().file}, "area", "nothing", "the areas of the die's blocks");
  }
  const double diameter = facts.get<Ratio>("cost.wafer_diameter").value;
  const YieldModel model = yield_model_named(kYield, system.facts.word(kYield));
  const double clustering =
      model == YieldModel::negative_binomial ? facts.get<Ratio>("cost.clustering").value : 0;
  program.yield = die_yield(model, die.value * facts.get<Ratio>("cost.defects").value, clustering);
  program.gross_dies = static_cast<double>(gross_dies(die, diameter));
  program.good_dies = std::round(program.gross_dies * program.yield);
  if (program.good_dies < 1) {
    throw ConfigError(Location{system.file}, "cost.defects",
                      fmt::format("no good die of {} mm2 on a wafer", die.value), "a die that can be made");
  }
  program.die = facts.get<Usd>("cost.wafer") / program.good_dies;
  program.package_and_test = facts.get<Usd>("cost.package_and_test") / program.good_dies;
}

}  // namespace

bool has_chip_program(const System& system) { return !system.facts.below("cost").empty(); }

ChipProgram chip_program(const System& system, CostCase which) {
  const CostFacts facts(system, which);
  ChipProgram program;
  program.chips_per_system = system.chips();
  price_dies(system, facts, program);
  program.memory = facts.get<UsdPerByte>("cost.memory") * system.chip().get<Bytes>("hbm.capacity");
  program.integration = facts.get<Usd>("cost.integration");

  const Usd set = facts.get<Usd>("cost.masks.set");
  const double layers = facts.get<Ratio>("cost.masks.layers").value;
  const double variable = facts.get<Ratio>("cost.masks.variable").value;
  if (variable > layers) {
    throw ConfigError(system.facts.fact("cost.masks.variable").where, "cost.masks.variable",
                      system.facts.fact("cost.masks.variable").text, "at most cost.masks.layers");
  }
  program.masks_shared = set * ((layers - variable) / layers);
  program.masks_of_variant = set * (variable / layers);
  program.masks_variable = program.masks_of_variant * facts.get<Ratio>("cost.variants").value;
  for (const std::string& part : system.facts.below("cost.design")) {
    program.design += facts.get<Usd>("cost.design." + part);
  }
  return program;
}

std::vector<OtherModel> other_models(const System& system, const ChipProgram& program) {
  const auto number = [&](const std::string& key) { return system.facts.get<Ratio>("cost." + key).value; };
  std::vector<OtherModel> models;
  for (const std::string& name : system.facts.below("cost.other_models")) {
    OtherModel model;
    model.name = name;
    model.weights = number("other_models." + name + ".weights");
    model.bits = number("other_models." + name + ".bits");
    model.variants =
        number("variants") * (model.weights * model.bits) / (number("weights") * number("weight_bits"));
    model.masks = program.masks_shared + program.masks_of_variant * model.variants;
    models.push_back(std::move(model));
  }
  return models;
}

}  // namespace memwall
