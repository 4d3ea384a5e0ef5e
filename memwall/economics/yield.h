// yield.h - good dies of a wafer.
//
// D: defects per area, A: area of a die, x = A D.
//   poisson            exp(-x)                        defects fall independently
//   murphy             ((1 - exp(-x)) / x)^2          density itself varies, triangular distribution
//   seeds              1 / (1 + x)                    exponential distribution of densities
//   negative_binomial  (1 + x / a)^-a                 clustered with parameter a; a -> infinity is poisson
// Sources: Murphy, Proc. IEEE 52(12), 1964; Seeds, 1967; Stapper, IBM J. Res. Dev. 27(6), 1983.
#pragma once

#include <cstdint>
#include <string>

#include "memwall/core/units.h"

namespace memwall {

enum class YieldModel { poisson, murphy, seeds, negative_binomial };
// Throws ConfigError, with `key` for the message, for an unknown name.
YieldModel yield_model_named(const std::string& key, const std::string& name);

// Fraction of good dies. `defects`: x, the mean number on a die; `clustering`: a, of negative_binomial only.
double die_yield(YieldModel model, double defects, double clustering = 0);

// Whole dies on a round wafer of that diameter: pi d^2 / (4 A) - pi d / sqrt(2 A), the second term for the
// rim.
std::int64_t gross_dies(SquareMillimetres die, double wafer_diameter_mm);

}  // namespace memwall
