#include "memwall/validation/measurement.h"

#include <fmt/format.h>

namespace memwall {
namespace {

struct DescribeRun {
  std::string operator()(const std::vector<KernelUse>& kernels) const {
    return kernels.size() == 1 ? describe(kernels.front().op) : fmt::format("{} kernels", kernels.size());
  }
  std::string operator()(const FigureOf& figure) const {
    return figure.name + (figure.unit.empty() ? "" : " (" + figure.unit + ")");
  }
  std::string operator()(const StepRun& run) const {
    return fmt::format("{} {}, {} sequences, {} in, {} out{}", run.model, to_text(run.plan), run.batch,
                       run.prompt, run.output,
                       run.kind == StepRun::Kind::generation ? ", end to end"
                       : run.kind == StepRun::Kind::serving  ? ", steadily"
                                                             : "");
  }
};

}  // namespace

std::string describe(const Measurement& measurement) {
  return fmt::format("{}{}{}", measurement.note, measurement.note.empty() ? "" : ": ",
                     std::visit(DescribeRun{}, measurement.what));
}

}  // namespace memwall
