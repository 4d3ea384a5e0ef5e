#include "memwall/economics/yield.h"

#include <array>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <utility>
#include <vector>

#include "memwall/core/error.h"
#include "memwall/core/names.h"

namespace memwall {

YieldModel yield_model_named(const std::string& key, const std::string& name) {
  constexpr std::array<std::pair<const char*, YieldModel>, 4> kModels = {
      {{"poisson", YieldModel::poisson},
       {"murphy", YieldModel::murphy},
       {"seeds", YieldModel::seeds},
       {"negative_binomial", YieldModel::negative_binomial}}};
  std::vector<std::string> known;
  for (const auto& [known_name, model] : kModels) {
    if (name == known_name) {
      return model;
    }
    known.emplace_back(known_name);
  }
  throw ConfigError(key, quoted(name), suggest_names(name, known));
}

double die_yield(YieldModel model, double defects, double clustering) {
  switch (model) {
    case YieldModel::poisson:
      return std::exp(-defects);
    case YieldModel::murphy:
      return defects > 0 ? std::pow(-std::expm1(-defects) / defects, 2) : 1;
    case YieldModel::seeds:
      return 1 / (1 + defects);
    case YieldModel::negative_binomial:
      return std::pow(1 + defects / clustering, -clustering);
  }
  throw std::logic_error("[yield] model");
}

std::int64_t gross_dies(SquareMillimetres die, double wafer_diameter_mm) {
  const double wafer = std::numbers::pi * wafer_diameter_mm * wafer_diameter_mm / 4;
  const double rim = std::numbers::pi * wafer_diameter_mm / std::sqrt(2 * die.value);
  const double dies = std::floor(wafer / die.value - rim);
  return dies > 0 ? static_cast<std::int64_t>(dies) : 0;
}

}  // namespace memwall
