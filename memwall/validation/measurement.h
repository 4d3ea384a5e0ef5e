// measurement.h - something that was measured, and what to run to predict it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "memwall/core/error.h"
#include "memwall/processors/placement.h"
#include "memwall/processors/processor.h"

namespace memwall {

// A kernel, run `times` times.
struct KernelUse {
  KernelOp op;
  double times = 1;
  // What a kernel of one element takes in the harness of the measurement (its authors' figure): host calls,
  // launch, the kernel's own start. It stands in for the time that the model gives such a kernel.
  std::optional<Seconds> floor = std::nullopt;
  // What the host took for each call where kernels were not run from a recorded graph: a kernel that is
  // shorter than that is not what was measured.
  std::optional<Seconds> host = std::nullopt;
  // Whether the kernel was repeated until the chip held its clock at the power limit; else it ran briefly on
  // a chip that had rested, at the full clock.
  bool is_steady = false;
};

// Steps of `batch` sequences with `prompt` tokens each that generate `output` tokens.
struct StepRun {
  // decode_step: one, at the mean context, prompt + output / 2. generation: prefill of all prompts and
  // output - 1 such steps. serving: the mean time between tokens where a finished sequence is replaced at
  // once: decode steps, of which so many that `batch` prompts come in every `output` steps also prefill one
  // (or as many as come in a step); power and energy per token are those of all steps.
  enum class Kind { decode_step, generation, serving };
  Kind kind = Kind::decode_step;
  std::string model;  // as of ModelShelf (machine.h)
  Plan plan;
  std::int64_t batch = 1, prompt = 1, output = 1;
  std::int64_t mean_context() const { return prompt + output / 2; }
  Sampling sampling = Sampling::sorted;
};

// A number that follows from the cards of a system alone (processors/figure.h), in the unit published.
struct FigureOf {
  std::string name, unit;
};

// s, W of all chips, J, tokens/s; of a figure its own unit.
enum class MeasuredQuantity { time, power, energy_per_token, throughput, figure };

// A fact of the chip that was another one on the machine measured: hbm.capacity = 40 GB.
struct FactChange {
  std::string key, value;
  auto operator<=>(const FactChange&) const = default;
};

struct Measurement {
  std::string origin;  // the data set's name: "aic", "llmcompass_gemm"
  std::string system;  // "8xh100"
  std::vector<FactChange> changes;
  std::variant<std::vector<KernelUse>, StepRun, FigureOf> what;  // kernels run one after another
  MeasuredQuantity quantity = MeasuredQuantity::time;
  double value = 0;  // measured, in the base unit of the quantity
  std::string note;  // what the rows of a sum have in common, or empty
  Location where;
};

// A measurement that is not scored, and why.
struct Exclusion {
  std::string origin, reason;
  std::int64_t rows = 0;
};

// What takes measurements as a reader finds them.
class MeasurementSink {
 public:
  virtual ~MeasurementSink() = default;
  virtual void take(const Measurement& measurement) = 0;  // valid during the call only
  virtual void exclude(const std::string& origin, const std::string& reason) = 0;
};

// What was run, with its sizes, on one line.
std::string describe(const Measurement& measurement);

}  // namespace memwall
