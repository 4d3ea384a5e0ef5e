// error_bars.h - how far an answer may be off, from the measurements nearest to it.
//
// A kernel takes the interval of its class. A decode step takes that of measured decode steps of its kind, if
// there are any; other steps combine the classes of their kernels: half-widths weighted by share of time,
// as if all were off in the same direction. The time of kernels that nothing was measured for counts as
// uncovered, and an answer with more than a third of its time uncovered has no error bar.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "memwall/hardware/system.h"
#include "memwall/processors/processor.h"
#include "memwall/serving/error_bar.h"
#include "memwall/serving/race.h"
#include "memwall/serving/run_step.h"
#include "memwall/validation/residuals.h"

namespace memwall {

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

// Fills in the error bars of an answer that fits.
void add_error_bars(const ErrorBars& bars, const RaceQuery& query, const System& system,
                    const Processor& processor, RaceResult& result);
void add_error_bar(const ErrorBars& bars, const Model& model, const Step& step, const System& system,
                   const Processor& processor, StepResult& result);

// The kernels that a step consists of on one chip of a plan, as far as `memwall op` knows them: linear
// layers, attention, experts and the all-reduces between them.
std::vector<KernelUse> kernels_of(const Model& model, const Step& step, const Plan& plan);

}  // namespace memwall
