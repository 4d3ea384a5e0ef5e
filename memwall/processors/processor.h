// processor.h - the one interface of a processor family: it places models on systems and lowers steps.
//
// docs/design.md shows how each of the seven families uses it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "memwall/core/error.h"
#include "memwall/core/registry.h"
#include "memwall/hardware/system.h"
#include "memwall/model/model.h"
#include "memwall/model/step.h"
#include "memwall/processors/figure.h"
#include "memwall/processors/kernel_op.h"
#include "memwall/processors/kernel_variant.h"
#include "memwall/processors/placement.h"
#include "memwall/processors/rtl_options.h"
#include "memwall/program/clock.h"
#include "memwall/program/program.h"

namespace memwall {

// How the sampler picks a token: `greedy` takes the largest logit of every sequence at once; `plain` draws
// from all of them, request by request; `sorted` orders the vocabulary before it draws, as engines do for
// top-p.
enum class Sampling { sorted, plain, greedy };

struct LowerOptions {
  bool eager = false;  // kernels launched one by one by the host, not from a recorded graph
  Sampling sampling = Sampling::sorted;
};

// A model placed on a system, ready to be lowered for step after step. Immutable; safe to share between
// threads.
class PlacedModel {
 public:
  virtual ~PlacedModel() = default;
  // Overwrites `program`, reusing its storage: no allocation once it has been lowered into before.
  virtual void lower(const Step& step, Program& program) const = 0;
  // Sequences that make progress at once besides this step's own: a pipeline of pp stages serves pp batches.
  // Throughput is batches_in_flight() * sequences / time.
  virtual double batches_in_flight() const { return 1; }
};

// A constant of a card that may be fitted to measurements, and how far physics lets it go (base units).
struct TunableFact {
  std::string key;  // "hbm.achieved.gemm"
  double low = 0, high = 0;
};

// Lowers one kernel after another for a system whose cards have been read. Immutable.
class KernelLowering {
 public:
  virtual ~KernelLowering() = default;
  // Overwrites `program`, reusing its storage. Throws ConfigError for a kernel or number format that the chip
  // does not have.
  virtual void lower(const KernelOp& op, Program& program) const = 0;
};

class Hardener;  // harden.h

// One layer of a model as instruction streams, for families whose compiler decides every cycle.
struct ScheduleListing {
  struct Line {
    std::int64_t cycle = 0;
    int chip = 0;
    std::string queue, instruction, section;
  };
  std::string title;
  std::vector<Line> lines;  // by chip, queue and cycle
  // The same as a program, a resource per queue that dispatches anything, and when its tasks ran.
  Program program;
  std::vector<TaskSpan> spans;
};
std::string to_text(const ScheduleListing& listing);

class Processor {
 public:
  virtual ~Processor() = default;

  // Reads what the family needs off every card of the system; throws ConfigError for a missing, unknown or
  // ill-typed fact. Called once when a system is opened, so that a bad card is met at the door.
  virtual void check(const System& system) const = 0;

  // Ways to divide the model over the system worth trying when the user names none, most promising first.
  virtual std::vector<Plan> candidate_plans(const Model& model, const System& system) const = 0;

  // Does not throw for "does not fit" or "this chip cannot run this model": those are values in the result.
  // Throws ConfigError for a plan that does not divide the model or the system.
  virtual Placement place(const Model& model, const System& system, const Plan& plan,
                          const Need& need) const = 0;

  // REQUIRES: placement.fits. Borrows nothing: copies what it needs.
  virtual std::unique_ptr<PlacedModel> load(const Model& model, const System& system,
                                            const Placement& placement,
                                            const LowerOptions& options) const = 0;

  // What `memwall calibrate` may fit on such a system: at most 12 constants that its cards have, none by
  // default.
  virtual std::vector<TunableFact> tunable_facts(const System&) const { return {}; }

  // Numbers that follow from the cards alone, in the family's own order; none by default.
  virtual std::vector<Figure> figures(const System&) const { return {}; }

  // The ways to run a kernel that the family chooses from, best first; none by default.
  virtual std::vector<KernelVariant> kernel_variants(const KernelOp&, const System&) const { return {}; }

  // A small instance of the family's mechanism in SystemVerilog; nullopt: the family has none. Throws
  // ConfigError for sizes that cannot be.
  virtual std::optional<std::string> rtl(const RtlOptions&) const { return std::nullopt; }

  // Turns weight files into wiring; nullptr where weights are loaded. Throws ConfigError for what the cards
  // lack.
  virtual std::unique_ptr<Hardener> open_hardener(const System& system) const;

  // Compiles a layer for plan.tp chips. Throws ConfigError for a layer that the compiler does not know or
  // that is too large to list.
  virtual ScheduleListing list_schedule(const Model&, const System& system, const Plan&, const Step&) const {
    throw ConfigError("explain schedule", quoted(system.chip().family),
                      "a family whose compiler decides every cycle");
  }

  // Borrows nothing.
  virtual std::unique_ptr<KernelLowering> open_kernels(const System& system,
                                                       const LowerOptions& options) const = 0;
  Program lower_kernel(const KernelOp& op, const System& system, const LowerOptions& options) const {
    Program program;
    open_kernels(system, options)->lower(op, program);
    return program;
  }
};

using ProcessorRegistry = Registry<Processor>;
void register_builtin_processors(ProcessorRegistry& processors);

}  // namespace memwall
