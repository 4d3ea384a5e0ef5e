// chip_program.h - what it costs to bring a chip into being and to build systems of it: masks, design, dies.
//
// A family of chips that differ in a few metal layers pays for the shared masks once and for the others per
// variant; a re-spin with new weights pays for the others again. Inputs are facts of a system's card, below
// `cost`, each with one value or with `low` and `high`:
//   wafer, wafer_diameter (mm), defects (per mm2), yield (a word), clustering (of negative_binomial)
//   package_and_test (per wafer), memory (per byte), integration (per chip)
//   masks.set, masks.layers (weighted), masks.variable (of them per variant), variants
//   design.* (each once)
//   weights, weight_bits: of the model that the variants hold together; other_models.NAME.weights, .bits: of
//   models that were never wired, whose masks are estimated from these
// with `area` and `hbm` of the chip.
#pragma once

#include <string>
#include <vector>

#include "memwall/core/units.h"
#include "memwall/hardware/system.h"

namespace memwall {

enum class CostCase { low, high };

// Below zero cost is nothing: all values are positive.
struct ChipProgram {
  double yield = 0;
  double gross_dies = 0, good_dies = 0;                // of a wafer; good ones to the nearest whole die
  Usd die, package_and_test, memory, integration;      // of one chip
  Usd masks_shared, masks_of_variant, masks_variable;  // variable: of all variants
  Usd design;
  int chips_per_system = 0;

  Usd chip() const { return die + package_and_test + memory + integration; }
  Usd system() const { return chip() * chips_per_system; }
  Usd nre() const { return masks_shared + masks_variable + design; }
  Usd first(double systems) const { return nre() + system() * systems; }
  Usd respin(double systems) const { return masks_variable + system() * systems; }
};

// Masks for another model on chips of the same capacity in weight bits: the shared set once, and the variable
// layers of as many variants as its bits take, whole or not. No design and no chips are in it.
struct OtherModel {
  std::string name;
  double weights = 0, bits = 0;  // bits: of each weight
  double variants = 0;
  Usd masks;
};

bool has_chip_program(const System& system);
// Throws ConfigError for a missing fact, and for a die of which a wafer holds none that is good.
ChipProgram chip_program(const System& system, CostCase which);
// In order of the card's names; empty when it names none. Throws ConfigError for a missing fact.
std::vector<OtherModel> other_models(const System& system, const ChipProgram& program);

}  // namespace memwall
