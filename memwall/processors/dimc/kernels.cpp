#include "memwall/processors/dimc/kernels.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/processors/dimc/lowering.h"

namespace memwall {
namespace {

constexpr double kBytesPerValue = 2;  // of a tensor given in bytes

double real(std::int64_t value) { return static_cast<double>(value); }

void require_positive(const char* key, std::int64_t value) {
  if (value < 1) {
    throw ConfigError(key, std::to_string(value), "at least 1");
  }
}

// GEMM, experts and attention run on one card, cut over its chiplets; weights and cache are in SRAM.
class DimcKernels : public KernelLowering {
 public:
  DimcKernels(const DimcCard& card, int cards) : card_(card), cards_(cards) {}

  void lower(const KernelOp& op, Program& program) const override {
    std::visit([&](const auto& kernel) { lower_op(kernel, program); }, op);
  }

 private:
  Stored need(Format format) const {
    const std::optional<Stored> stored = card_.stored(format);
    if (!stored) {
      throw ConfigError("format", std::string(name(format)),
                        fmt::format("one of at most {} bits", card_.widths.back()));
    }
    return *stored;
  }

  // `add` appends the tasks; the resources are complete once it has run.
  template <class Add>
  void one_block(const char* label, int cards, Program& program, Add&& add) const {
    DimcResources resources(card_);
    program.labels = {label};
    program.replicas = static_cast<double>(cards) * card_.chiplets;
    resources.power(cards, 1, program);
    program.blocks.resize(1);
    program.blocks[0].name = label;
    program.blocks[0].repeat = 1;
    program.blocks[0].tasks.clear();
    program.blocks[0].after.clear();
    add(resources, program.blocks[0]);
    program.resources = resources.list();
  }

  void lower_section(const char* label, const Section& section, Category category, Program& program) const {
    one_block(label, 1, program, [&](DimcResources& resources, Block& block) {
      const std::int32_t cores = resources.cores(section.weight_bits, section.activation_bits);
      DimcTasks(card_, resources, block).section(0, section, cores, category, Bytes(0));
    });
  }

  void lower_op(const GemmOp& op, Program& program) const {
    require_positive("m", op.m);
    require_positive("n", op.n);
    require_positive("k", op.k);
    require_positive("batch", op.batch);
    const double n = std::ceil(real(op.n) / card_.chiplets);
    lower_section("gemm",
                  {real(op.batch), real(op.m), n, real(op.k), need(op.format).bits, need(op.activation).bits},
                  Category::weights, program);
  }

  void lower_op(const AttentionOp& op, Program& program) const {
    require_positive("sequences", op.slice.count);
    require_positive("new tokens", op.slice.new_tokens);
    const Attention& shape = op.shape;
    const CacheShare share = cache_share(shape, card_.chiplets);
    const OpWork all =
        work(Operator{"attention", OpRole::attention, TensorSplit::heads, shape}, {{op.slice}, {}});
    const double keys = real(op.slice.past_tokens + op.slice.new_tokens) * real(op.slice.count);
    const double shared_by = real(shape.heads) / real(shape.is_latent() ? 1 : shape.kv_heads);
    const double score_width = all.k / real(shape.heads);
    const double widths = all.macs / (all.m * all.n) / real(shape.heads);
    Section section{real(op.slice.count) * share.heads,
                    std::max(1.0, all.m * all.n / keys * shared_by),
                    std::max(1.0, keys / real(op.slice.count) / share.ranges),
                    score_width,
                    need(shape.kv).bits,
                    need(shape.activation).bits};
    one_block("attention", 1, program, [&](DimcResources& resources, Block& block) {
      const std::int32_t cores = resources.cores(section.weight_bits, section.activation_bits);
      DimcTasks tasks(card_, resources, block);
      tasks.section(0, section, cores, Category::kv, Bytes(0));
      section.k = section.n;
      section.n = std::max(1.0, widths - score_width);
      tasks.section(0, section, cores, Category::kv, Bytes(0));
    });
  }

  void lower_op(const AllReduceOp& op, Program& program) const {
    if (op.algorithm != "auto") {
      throw ConfigError("algorithm", quoted(op.algorithm),
                        "'auto', a reduction up the levels and a gather down");
    }
    const std::vector<Level> levels =
        op.chips > cards_ || op.chips < 1 ? std::vector<Level>{} : levels_of(card_, op.chips);
    if (levels.empty() || !(op.bytes > Bytes(0))) {
      throw ConfigError(
          "chips", std::to_string(op.chips),
          fmt::format("1 to {} cards with links between chiplets, and at least a byte", cards_));
    }
    one_block("all_reduce", op.chips, program, [&](DimcResources& resources, Block& block) {
      DimcTasks(card_, resources, block).all_reduce(0, levels, op.bytes.value / kBytesPerValue);
    });
  }

  void lower_op(const ExpertsOp& op, Program& program) const {
    require_positive("tokens", op.tokens);
    const Experts& shape = op.shape;
    const double distinct =
        expected_distinct_experts(shape.num_experts, shape.experts_per_token, real(op.tokens), op.routing);
    const double vectors = std::max(1.0, real(op.tokens * shape.experts_per_token) / distinct);
    const double inner = std::ceil(real(shape.intermediate) / card_.chiplets);
    Section section{distinct,
                    vectors,
                    inner * (shape.gated ? 2 : 1),
                    real(shape.width),
                    need(shape.weight).bits,
                    need(shape.activation).bits};
    one_block("experts", 1, program, [&](DimcResources& resources, Block& block) {
      const std::int32_t cores = resources.cores(section.weight_bits, section.activation_bits);
      DimcTasks tasks(card_, resources, block);
      tasks.section(0, section, cores, Category::weights, Bytes(0));
      section.n = real(shape.width);
      section.k = inner;
      tasks.section(0, section, cores, Category::weights, Bytes(0));
    });
  }

  void lower_op(const PointwiseOp& op, Program& program) const {
    require_positive("rows", op.rows);
    require_positive("width", op.width);
    constexpr double kPasses = 3;
    one_block("pointwise", 1, program, [&](DimcResources& resources, Block& block) {
      DimcTasks(card_, resources, block).vector(0, real(op.rows) * real(op.width) / card_.chiplets, kPasses);
    });
  }

  DimcCard card_;
  int cards_;
};

}  // namespace

std::unique_ptr<KernelLowering> open_dimc_kernels(const DimcCard& card, int cards) {
  return std::make_unique<DimcKernels>(card, cards);
}

}  // namespace memwall
