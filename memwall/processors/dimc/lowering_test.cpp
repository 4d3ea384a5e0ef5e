#include "memwall/processors/dimc/lowering.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/processors/dimc/kernels.h"
#include "memwall/processors/dimc/test_support.h"
#include "memwall/program/power_limit.h"
#include "tests/support/check_property.h"

namespace memwall {
namespace {

using dimc_test::card_named;
using dimc_test::decode;
using dimc_test::loaded;
using dimc_test::prefill;
using dimc_test::timed;
using dimc_test::Timed;

Program kernel(const KernelOp& op, int cards = 1, const std::string& chip = "corsair") {
  Program program;
  open_dimc_kernels(card_named(chip), cards)->lower(op, program);
  verify(program);
  return program;
}
double seconds(const Program& program) { return ScheduleClock().run(program).time.value; }

TEST(DimcLowering, EveryModelVerifiesAndTheBoundIsBelowTheSchedule) {
  const DimcCard card = card_named("corsair");
  for (const char* model :
       {"llama-3.1-8b", "gpt-oss-120b", "deepseek-v3", "gemma-3-27b", "gpt2", "qwen3-235b-a22b"}) {
    for (const char* plan : {"tp8", "tp1", "tp16 mode=mixed", "tp8 dp4 mode=capacity", "tp64"}) {
      const DimcModel placed = loaded(card, model, plan);
      for (const Step& step : {decode(1, 100), decode(60, 1000), prefill(2, 500)}) {
        const Timed result = timed(placed, step);
        EXPECT_LE(result.ledger.bound, result.ledger.time) << model << " " << plan;
      }
    }
  }
}

// The time of a section is what the machine takes: reload of the first tile, then the slower of reload and
// products for every tile of the busiest core, then pipeline, to a picosecond and the network's latency.
TEST(DimcLowering, ASectionTakesTheMachinesCyclesExactly) {
  const DimcCard card = card_named("corsair");
  check_property(300, [&] {
    const double m = pick(1, 200), n = pick(1, 4000), k = pick(1, 4000);
    const int weight_bits = *rc::gen::element(4, 8, 16), bits = *rc::gen::element(4, 8, 16);
    DimcResources resources(card);
    Program program;
    program.labels = {"section"};
    program.blocks = {{"block", 1, {}, {}}};
    const std::int32_t cores = resources.cores(weight_bits, bits);
    DimcTasks(card, resources, program.blocks[0])
        .section(0, {1, m, n, k, weight_bits, bits}, cores, Category::weights, Bytes(0));
    program.blocks[0].tasks.resize(1);  // without the sums between cores
    program.resources = resources.list();

    const double tiles = std::ceil(k / card.core.inputs) * std::ceil(n / card.core.columns(weight_bits));
    const auto per_core = static_cast<std::int64_t>(std::ceil(tiles / card.cores));
    const double copies = std::min(std::max(1.0, std::floor(card.cores / tiles)), m);
    const auto vectors = static_cast<std::int64_t>(std::ceil(m / copies));
    const double cycles = static_cast<double>(stream_cycles(card.core, per_core, vectors, bits));
    const double expected = cycles / card.clock.value + card.section_latency.value;
    RC_ASSERT(std::abs(seconds(program) - expected) <= 4e-12);
  });
}

// 16,384 x 16,384 of 8 bits over 8 chiplets and 256 cores each: 256 k-tiles x 32 n-tiles, 32 tiles per core.
// One vector: (64 + 31 x 64 + 8 + 8) cycles; reload sets the pace: 33.6 MB at 18.75 TB/s. Eight cores share a
// column: 7 x 2,048 sums of the vector unit, 14 cycles.
TEST(DimcLowering, ALargeProductRunsAtTheReloadPorts) {
  const Program program = kernel(GemmOp{1, 16384, 16384, Format::int8, Format::int8, 1, 0});
  EXPECT_NEAR(seconds(program), (64 + 31 * 64 + 8 + 8 + 14) / 1.14441e9 + 100e-9, 1e-11);
  EXPECT_DOUBLE_EQ(program.blocks[0].tasks[0].demands[3].charged, 16384.0 * 16384 / 8);
}

// From eight vectors on the cores set the pace: 16 vectors take twice as long as 8, which take as long as 1
// but for the last products and the sums, 14 cycles a vector.
TEST(DimcLowering, BatchesBelowTheSaturatingOneAreFree) {
  const auto gemm = [](std::int64_t m) {
    return seconds(kernel(GemmOp{m, 16384, 16384, Format::int8, Format::int8, 1, 0}));
  };
  EXPECT_NEAR(gemm(8) - gemm(1), 7 * (8 + 14) / 1.14441e9, 1e-11);
  EXPECT_NEAR(gemm(16) - gemm(8), (32 * 64 + 8 * 14) / 1.14441e9, 1e-11);
}

// In capacity mode a step reads every weight from LPDDR: 8.03e9 less the table, at 8.25 bits and 85 % of 3.2
// TB/s.
TEST(DimcLowering, CapacityModeIsBoundByLpddr) {
  const Timed result =
      timed(loaded(card_named("corsair"), "llama-3.1-8b", "tp8 mode=capacity"), decode(1, 1000));
  const double values = 32 * (4096.0 * 6144 + 4096.0 * 4096 + 3 * 4096.0 * 14336) + 128256.0 * 4096;
  EXPECT_NEAR(result.charged("lpddr"), values * 8.25 / 8 / 64, 0.01 * values / 64);
  EXPECT_GT(result.seconds(), values * 8.25 / 8 / 64 / (0.85 * 50e9));
}

TEST(DimcLowering, CapacityIsSlowerThanPerformance) {
  const DimcCard card = card_named("corsair");
  const auto time = [&](const char* plan) {
    return timed(loaded(card, "llama-3.1-8b", plan), decode(8, 4000)).seconds();
  };
  EXPECT_LT(time("tp8"), time("tp8 mode=mixed"));
  EXPECT_LT(time("tp8 mode=mixed"), time("tp8 mode=capacity"));
}

// Useful operations of the cores on all chips are the model's own: two per MAC of its matrices and attention.
TEST(DimcLowering, UsefulWorkIsTheModelsOwn) {
  const Model model = read_model("llama-3.1-8b");
  const Step step = decode(8, 1000);
  double macs = 0;
  for_each_operator(model, [&](const Operator& op, std::int64_t repeat) {
    macs += work(op, step).macs * static_cast<double>(repeat);
  });
  const Timed result = timed(loaded(card_named("corsair"), "llama-3.1-8b", "tp8"), step);
  double useful = 0;
  for (const ResourceLine& line : result.ledger.resources) {
    useful += line.resource.starts_with("cores") ? line.useful : 0;
  }
  EXPECT_NEAR(useful * result.program.replicas, 2 * macs, 0.001 * macs);
}

// 4096 x 2 bytes over one card, 4 and then 2 chiplets: 3/4 of 8 kB and 1/2 of 2 kB up, the same down.
TEST(DimcLowering, AnAllReduceGoesUpAndDownTheLevels) {
  const Program program = kernel(AllReduceOp{Bytes(8192), 1, "auto"});
  ASSERT_EQ(program.blocks[0].tasks.size(), 4u);
  const double d2d = 1e12, expected = 4 * 115e-9 + 3e-6 + 2 * (6144 + 1024) / d2d;
  EXPECT_NEAR(seconds(program), expected, 1e-11);
}

// Two cards share the die-to-die links; four cards cross the switch, 16 the network.
TEST(DimcLowering, LevelsOfASystem) {
  const DimcCard card = card_named("corsair");
  const auto groups = [&](int cards) {
    std::vector<double> sizes;
    for (const Level& level : levels_of(card, cards)) {
      sizes.push_back(level.group);
    }
    return sizes;
  };
  EXPECT_EQ(groups(1), (std::vector<double>{4, 2}));
  EXPECT_EQ(groups(2), (std::vector<double>{4, 4}));
  EXPECT_EQ(groups(8), (std::vector<double>{4, 4, 4}));
  EXPECT_EQ(groups(64), (std::vector<double>{4, 4, 4, 8}));
  EXPECT_EQ(nearest_levels(levels_of(card, 64), 8).size(), 2u);
  EXPECT_EQ(nearest_levels(levels_of(card, 64), 8)[1].group, 2);
}

TEST(DimcLowering, KernelsOfEveryKindRun) {
  Attention attention;
  attention.heads = 32;
  attention.kv_heads = 8;
  attention.qk_dim = attention.v_dim = 128;
  EXPECT_GT(seconds(kernel(AttentionOp{attention, {16, 1, 4096}, 0})), 0);
  Experts experts;
  experts.num_experts = 8;
  experts.experts_per_token = 2;
  experts.width = 4096;
  experts.intermediate = 14336;
  EXPECT_GT(seconds(kernel(ExpertsOp{experts, 16, {}, 1, 1, 0})), 0);
  EXPECT_GT(seconds(kernel(PointwiseOp{PointwiseOp::Kind::softmax, 100, 4096})), 0);
  EXPECT_GT(seconds(kernel(GemmOp{1, 512, 512, Format::int8, Format::int8, 1, 0}, 1, "metis")), 0);
}

TEST(DimcLowering, KernelsThatAChipDoesNotHaveAreRefused) {
  const auto refusal = [](const KernelOp& op, const std::string& chip) -> std::string {
    try {
      kernel(op, 1, chip);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal(AllReduceOp{Bytes(100), 2, "auto"}, "corsair"),
            "chips: found 2, expected 1 to 1 cards with links between chiplets, and at least a byte");
  EXPECT_EQ(refusal(AllReduceOp{Bytes(100), 1, "nccl"}, "corsair"),
            "algorithm: found 'nccl', expected 'auto', a reduction up the levels and a gather down");
  EXPECT_EQ(refusal(GemmOp{0, 1, 1, Format::int8, Format::int8, 1, 0}, "corsair"),
            "m: found 0, expected at least 1");
  EXPECT_EQ(dimc_test::card_named("metis").stored(Format::fp32), (Stored{8, 8}));
}

TEST(DimcLowering, IntoAUsedProgramIsTheSameAsIntoAFreshOne) {
  const DimcModel model = loaded(card_named("corsair"), "gpt-oss-120b", "tp8 mode=capacity");
  Program used, fresh;
  model.lower(prefill(4, 300), used);
  model.lower(decode(3, 77), used);
  model.lower(decode(3, 77), fresh);
  EXPECT_EQ(to_text(used), to_text(fresh));
}

// A pipeline's stages follow one another; every stage is crossed once and sends to the next.
TEST(DimcLowering, PipelineStagesServeAsManyBatches) {
  const DimcModel model = loaded(card_named("corsair"), "llama-3.1-70b", "tp8 pp8");
  EXPECT_EQ(model.batches_in_flight(), 8);
  Program program;
  model.lower(decode(7, 1000), program);
  EXPECT_EQ(program.replicas, 64);
  EXPECT_DOUBLE_EQ(program.static_power.value, 64 * 60);
}

// Cores at 8 bits, their reload ports, and 7 x 2,048 sums per chiplet and vector: energy of a large product
// by hand.
TEST(DimcLowering, EnergyIsOperationsReloadedBytesAndSums) {
  const Program program = kernel(GemmOp{8, 16384, 16384, Format::int8, Format::int8, 1, 0});
  ScheduleClock clock;
  const Ledger ledger = make_ledger(program, clock);
  const double values = 16384.0 * 16384;
  const double expected = 2 * 8 * values * 0.105e-12 + values * 2.4e-12 + 8 * 8 * 7 * 2048 * 0.85e-12;
  EXPECT_NEAR(ledger.dynamic_energy.value, expected, 1e-9 * expected);
}

// Cores and reload ports both busy would take 672 W (figures.cpp): the clock falls until the card's 600 hold.
TEST(DimcLowering, ClockFallsToTheCardsPowerLimit) {
  Program program = kernel(GemmOp{8, 65536, 16384, Format::int8, Format::int8, 1, 0});
  ScheduleClock clock;
  const Seconds full = clock.run(program).time;
  ASSERT_GT(average_power(program, full), Watts(600));
  const Seconds held = run_within_power(program, clock).time;
  EXPECT_LT(program.power.clock_share, 1);
  EXPECT_GT(held, full);
  EXPECT_LE(average_power(program, held), Watts(600));
  EXPECT_GT(average_power(program, held), Watts(590));
}

}  // namespace
}  // namespace memwall
