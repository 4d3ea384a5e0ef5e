// error_bar.h - how far an answer may be off, from the measurements nearest to it.
//
// A kernel takes the interval of its class. A decode step takes that of measured decode steps of its kind, if
// there are any; other steps combine the classes of their kernels: half-widths weighted by share of time,
// as if all were off in the same direction. The time of kernels that nothing was measured for counts as
// uncovered, and an answer with more than a fifth of its time uncovered has no error bar.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "memwall/hardware/system.h"
#include "memwall/processors/processor.h"
#include "memwall/validation/residuals.h"

namespace memwall {

struct ErrorBar {
  // 80 % of the measurements of the class were within this fraction of the prediction; none: no measurement
  // near this point.
  std::optional<double> half_width;
  double low = 0, high = 0;  // of the same: 10 % and 90 % quantiles of measured / predicted - 1
  std::int64_t n = 0;        // measurements behind it
  std::string basis;         // "gemm decode bf16 on h100", "58 % gemm decode bf16, ..."
  std::string outside;       // why there is none: "m = 200000, measured up to 65536"
};
std::string to_text(const ErrorBar& bar);  // "± 6.1 %", "no measurement near this point"

class ErrorBars {
 public:
  explicit ErrorBars(const std::vector<Residual>& residuals);

  // `time` is the predicted one. A kernel on several kinds of chips at once has none.
  ErrorBar of_kernel(const KernelOp& op, const System& system, Seconds time) const;
  // Of what `where` says.
  ErrorBar of(const Classified& where) const;
  ErrorBar of_step(const Model& model, const Step& step, const System& system, const Processor& processor,
                   const Plan& plan, Seconds time) const;

 private:
  std::map<ErrorClass, Residual> residuals_;
};

// From validation/residuals.csv of the data files; data files without it have no measurement near any point.
// Throws ConfigError when it cannot be read.
ErrorBars read_error_bars();

// The kernels that a step consists of on one chip of a plan, as far as `memwall op` knows them: linear
// layers, attention, experts and the all-reduces between them.
std::vector<KernelUse> kernels_of(const Model& model, const Step& step, const Plan& plan);

}  // namespace memwall
