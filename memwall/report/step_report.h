// step_report.h - one step or one kernel as text: totals, a bar, operators, resources.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "memwall/report/ink.h"
#include "memwall/serving/run_step.h"

namespace memwall {

struct StepHeading {
  std::string model, system;
  Step step;
};
std::string step_table(const StepHeading& heading, const StepResult& result, Ink ink);
// Schema in docs/json/step.schema.json. Figures are null when the step does not fit.
nlohmann::ordered_json step_json(const StepHeading& heading, const StepResult& result);

// `what` is the kernel in words: "gemm m=1 n=4096 k=4096 bf16".
std::string kernel_table(const std::string& what, const std::string& system, const KernelResult& result,
                         Ink ink);
nlohmann::ordered_json kernel_json(const std::string& what, const std::string& system,
                                   const KernelResult& result);

}  // namespace memwall
