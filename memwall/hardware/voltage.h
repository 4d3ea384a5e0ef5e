// voltage.h - the supply voltage that a clock needs.
//
// Alpha-power law: a gate switches at a rate proportional to (V - Vt)^alpha / V. Voltages and clocks are
// shares of their nominal values, so that no volt is needed.
//
// Source: Sakurai and Newton, Alpha-power law MOSFET model, IEEE JSSC 25(2), 1990.
#pragma once

namespace memwall {

struct VoltageCurve {
  double threshold = 0;  // Vt over the nominal supply, in [0, 1)
  double alpha = 1;      // 2 without velocity saturation, 1 with all of it
  double lowest = 1;     // least supply, over the nominal one, in (threshold, 1]; 1: the supply is fixed

  // Supply over the nominal one at a share of the nominal clock in (0, 1].
  double supply(double clock_share) const;
};

}  // namespace memwall
