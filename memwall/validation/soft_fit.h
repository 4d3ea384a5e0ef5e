// soft_fit.h - minimises a function without derivatives inside a box.
#pragma once

#include <functional>
#include <vector>

namespace memwall {

struct FitProblem {
  std::vector<double> start;  // each in [0, 1]
  std::function<double(const std::vector<double>&)> loss;
  int evaluations = 1000;
  double tolerance = 1e-4;  // stop when a step changes no coordinate by more
};
// The best point found; never worse than the start. Deterministic.
std::vector<double> minimise(const FitProblem& problem);

// sqrt(1 + (x / scale)^2) - 1: a square near zero and a line far from it.
double soft_l1(double x, double scale);

}  // namespace memwall
