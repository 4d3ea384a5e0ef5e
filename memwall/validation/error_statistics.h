// error_statistics.h - how far predictions are from measurements, over a set.
#pragma once

#include <cstdint>
#include <vector>

namespace memwall {

// Errors are relative: predicted / measured - 1.
struct ErrorSummary {
  std::int64_t n = 0;
  double mean = 0, median = 0, p90 = 0, worst = 0;  // of the absolute errors
  double bias = 0;                                  // mean of the signed ones
};

class ErrorList {
 public:
  void add(double error) { errors_.push_back(static_cast<float>(error)); }
  ErrorSummary summary() const;

 private:
  std::vector<float> errors_;
};

// The value below which `share` of the values lie, interpolated between neighbours. REQUIRES: not empty.
double quantile(std::vector<float> values, double share);

}  // namespace memwall
