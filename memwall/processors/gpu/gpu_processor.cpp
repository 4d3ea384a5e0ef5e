#include "memwall/processors/gpu/gpu_processor.h"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "memwall/processors/gpu/attention_kernel.h"
#include "memwall/processors/gpu/collective.h"
#include "memwall/processors/gpu/experts_kernel.h"
#include "memwall/processors/gpu/gemm_kernel.h"
#include "memwall/processors/gpu/gpu_lowering.h"
#include "memwall/processors/gpu/gpu_placement.h"
#include "memwall/processors/gpu/gpu_resources.h"
#include "memwall/processors/gpu/pointwise_kernel.h"
#include "memwall/processors/gpu/quantise_kernel.h"
#include "memwall/program/power_limit.h"

namespace memwall {
namespace {

void require_format(const GpuSpec& spec, Format weight, Format activation) {
  const std::string refusal = format_refusal(spec, weight, activation);
  if (!refusal.empty()) {
    throw ConfigError("format", fmt::format("{} weights with {} activations", name(weight), name(activation)),
                      "a format that the chip has: " + refusal);
  }
}

void require_positive(const char* key, std::int64_t value) {
  if (value < 1) {
    throw ConfigError(key, std::to_string(value), "at least 1");
  }
}

// A program of kernels one after another on `chips` equal chips.
class KernelProgram {
 public:
  KernelProgram(const GpuResources& resources, int chips, bool eager, Program& program)
      : resources_(resources), eager_(eager), program_(program) {
    resources_.start(program_, chips, chips, 1);
    program_.labels.clear();
    program_.blocks.resize(1);
    program_.blocks[0] = {"kernel", 1, std::move(program_.blocks[0].tasks), {}};
    program_.blocks[0].tasks.clear();
  }
  void append(const char* label, const KernelCost& cost) {
    std::vector<Task>& tasks = program_.blocks[0].tasks;
    Task& task = tasks.emplace_back();
    task.label = static_cast<std::int32_t>(program_.labels.size());
    program_.labels.emplace_back(label);
    resources_.demand(cost, eager_, task);
    if (tasks.size() > 1) {
      add_predecessor(task, static_cast<std::int32_t>(tasks.size()) - 2);
    }
  }

 private:
  const GpuResources& resources_;
  bool eager_;
  Program& program_;
};

class GpuKernels : public KernelLowering {
 public:
  GpuKernels(const System& system, const LowerOptions& options)
      : spec_(read_gpu_spec(system)), resources_(spec_), options_(options), chips_(system.chips()) {
    for (int i = 0; i < kAttentionEngineCount; ++i) {
      GpuSpec& with = by_engine_.emplace_back(spec_);
      with.attention = with_engine(spec_.attention, static_cast<AttentionEngine>(i));
    }
  }

  void lower(const KernelOp& op, Program& program) const override {
    std::visit([&](const auto& kernel) { append(kernel, program); }, op);
  }

 private:
  void append(const GemmOp& op, Program& out) const {
    require_positive("m", op.m);
    require_positive("n", op.n);
    require_positive("k", op.k);
    require_positive("batch", op.batch);
    require_format(spec_, op.format, op.activation);
    KernelProgram program = start(1, out);
    const double m = static_cast<double>(op.m), k = static_cast<double>(op.k);
    if (!op.narrow_input && info(op.activation).bits < info(Format::bf16).bits) {
      program.append("quantise", quantise_cost(spec_, m * static_cast<double>(op.batch), k, op.activation,
                                               Scaling::dynamic));
    }
    program.append(
        "gemm", gemm_cost(spec_, {m, static_cast<double>(op.n), k, static_cast<double>(op.batch), op.format,
                                  op.activation, static_cast<double>(op.operand_sets), op.wide_scales}));
  }

  void append(const AttentionOp& op, Program& out) const {
    require_positive("sequences", op.slice.count);
    require_positive("new tokens", op.slice.new_tokens);
    require_format(spec_, op.shape.activation, op.shape.activation);
    KernelProgram program = start(1, out);
    const GpuSpec& spec = spec_of(op.engine);
    AttentionBatch decode, prefill;
    add_slice(spec.attention, op.shape, op.slice, 1, decode, prefill);
    const bool is_decode = decode.sequences > 0;
    AttentionBatch& batch = is_decode ? decode : prefill;
    batch.operand_sets = static_cast<double>(op.operand_sets);
    batch.cache_share = op.cache_share;
    const AttentionShape shape = shard(op.shape, 1);
    const AttentionSpec& attention = spec.attention;
    if (attention.prepares && (!is_decode || (attention.library.prepares_decode && !shape.latent))) {
      program.append("prepare", prepare_cost(spec, shape, batch));
    }
    program.append("attention", is_decode ? decode_attention_cost(spec, shape, batch)
                                          : prefill_attention_cost(spec, shape, batch));
  }

  const GpuSpec& spec_of(const std::string& engine) const {
    if (engine.empty()) {
      return spec_;
    }
    const std::optional<AttentionEngine> found = parse_attention_engine(engine);
    if (!found) {
      throw ConfigError("engine", quoted(engine), "tensorrt-llm or vllm");
    }
    return by_engine_[static_cast<std::size_t>(*found)];
  }

  void append(const AllReduceOp& op, Program& out) const {
    require_chips(op.chips);
    if (op.chips < 2 || !(op.bytes > Bytes(0))) {
      throw ConfigError("chips", std::to_string(op.chips), "at least 2 chips and 1 byte");
    }
    KernelProgram program = start(op.chips, out);
    program.append("all_reduce",
                   all_reduce_cost(spec_, op.bytes.value, op.chips, parse_all_reduce(op.algorithm)));
  }

  void append(const ExpertsOp& op, Program& out) const {
    require_positive("tokens", op.tokens);
    require_positive("tp", op.tp);
    require_positive("ep", op.ep);
    require_chips(op.tp * op.ep);
    require_format(spec_, op.shape.weight, op.shape.activation);
    if (op.shape.num_experts % op.ep != 0) {
      throw ConfigError("ep", std::to_string(op.ep),
                        fmt::format("a divisor of num_experts = {}", op.shape.num_experts));
    }
    if (op.shape.intermediate % op.tp != 0) {
      throw ConfigError("tp", std::to_string(op.tp),
                        fmt::format("a divisor of the intermediate size {}", op.shape.intermediate));
    }
    KernelProgram program = start(op.tp * op.ep, out);
    for (const ExpertsKernel& kernel :
         experts_costs(spec_, op.shape, static_cast<double>(op.tokens), op.routing, {op.ep, op.tp},
                       {op.rows, op.operand_sets > 0, op.is_tuned})) {
      program.append(kernel.label, kernel.cost);
    }
  }

  void append(const PointwiseOp& op, Program& out) const {
    require_positive("rows", op.rows);
    require_positive("width", op.width);
    KernelProgram program = start(1, out);
    program.append("pointwise", pointwise_op_cost(spec_, op));
  }

  KernelProgram start(int chips, Program& program) const {
    return {resources_, chips, options_.eager, program};
  }
  void require_chips(int chips) const {
    if (chips > chips_) {
      throw ConfigError("chips", std::to_string(chips), fmt::format("at most the system's {}", chips_));
    }
  }

  GpuSpec spec_;
  std::vector<GpuSpec> by_engine_;  // in order of AttentionEngine
  GpuResources resources_;
  LowerOptions options_;
  int chips_;
};

class GpuProcessor : public Processor {
 public:
  void check(const System& system) const override { read_gpu_spec(system); }

  std::vector<Plan> candidate_plans(const Model& model, const System& system) const override {
    return gpu_candidate_plans(read_gpu_spec(system), model, system.chips());
  }

  Placement place(const Model& model, const System& system, const Plan& plan,
                  const Need& need) const override {
    return place_on_gpus(read_gpu_spec(system), model, plan, need, system.chips());
  }

  std::unique_ptr<PlacedModel> load(const Model& model, const System& system, const Placement& placement,
                                    const LowerOptions& options) const override {
    return std::make_unique<GpuPlacedModel>(read_gpu_spec(system), model, placement.plan, options);
  }

  std::vector<TunableFact> tunable_facts(const System& system) const override {
    const Chip& chip = system.chip();
    std::vector<TunableFact> facts = {{"gemm.start", 1e-6, 6e-6},
                                      {"gemm.helper_start", 1e-6, 6e-6},
                                      {"hbm.achieved.gemm", 0.5, 0.95},
                                      {"attention.start", 2e-6, 12e-6},
                                      {"attention.memory_latency", 400, 1200},
                                      {"attention.tensor", 0.3, 1},
                                      {"hbm.achieved.attention", 0.5, 0.98},
                                      {"scale_up.latency", 0.3e-6, 4e-6}};
    // Of power, in a fit of their own.
    const double limit = chip.get<Watts>("power.tdp").value;
    facts.push_back({"power.busy", 0.25 * limit, 0.7 * limit});
    facts.push_back({"power.links", 1, 0.15 * limit});
    facts.push_back({"energy.sequence", 0.1e-3, 20e-3});
    for (const char* format : {"bf16", "fp8", "nvfp4"}) {
      if (chip.has(std::string("tensor.achieved.") + format)) {
        facts.push_back({std::string("tensor.achieved.") + format, 0.4, 0.99});
      }
    }
    // Chips with fewer formats leave room for constants that matter less.
    if (chip.has("tensor.nvfp4")) {
      facts.push_back({"gemm.packed_step", 0.05e-6, 0.5e-6});
    } else {
      facts.push_back({"experts.rows", 0.2e12, 6e12});
    }
    if (!chip.has("tensor.fp8")) {
      facts.push_back({"gemm.feed", 20e9, 300e9});
      facts.push_back({"experts.tensor", 0.2, 1});
    }
    return facts;
  }

  // A large square GEMM, repeated until clock and power are steady.
  std::vector<Figure> figures(const System& system) const override {
    constexpr std::int64_t kSide = 8192;
    const GpuSpec spec = read_gpu_spec(system);
    std::vector<Figure> figures;
    ScheduleClock clock;
    for (const Format format : {Format::bf16, Format::fp8}) {
      if (spec.multiplies(format)) {
        Program program = lower_kernel(GemmOp{kSide, kSide, kSide, format, format}, system, {});
        const Ledger ledger = ledger_within_power(program, clock);
        const std::string gemm = "steady_gemm." + std::string(name(format));
        figures.push_back({gemm, (ledger.ops / ledger.time).value / 1e12, "TFLOP/s"});
        figures.push_back({gemm + "_clock", ledger.clock_share * spec.clock.value / 1e9, "GHz"});
        figures.push_back({gemm + "_power", (ledger.energy() / ledger.time).value, "W"});
      }
    }
    return figures;
  }

  std::unique_ptr<KernelLowering> open_kernels(const System& system,
                                               const LowerOptions& options) const override {
    return std::make_unique<GpuKernels>(system, options);
  }
};

}  // namespace

std::unique_ptr<Processor> make_gpu() { return std::make_unique<GpuProcessor>(); }

}  // namespace memwall
