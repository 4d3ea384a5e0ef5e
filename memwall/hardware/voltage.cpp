#include "memwall/hardware/voltage.h"

#include <cmath>

namespace memwall {

double VoltageCurve::supply(double clock_share) const {
  // Clock over the nominal one at a supply v: rises with v, is 1 at v = 1.
  const auto clock_at = [this](double v) { return std::pow((v - threshold) / (1 - threshold), alpha) / v; };
  if (clock_share >= 1 || clock_at(lowest) >= clock_share) {
    return clock_share >= 1 ? 1 : lowest;
  }
  constexpr int kHalvings = 40;  // to 1e-12
  double below = lowest, above = 1;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = 0.5 * (below + above);
    (clock_at(middle) < clock_share ? below : above) = middle;
  }
  return above;
}

}  // namespace memwall
