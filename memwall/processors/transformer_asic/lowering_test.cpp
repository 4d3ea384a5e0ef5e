#include "memwall/processors/transformer_asic/lowering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/model/read_model.h"
#include "memwall/processors/transformer_asic/claim.h"
#include "memwall/processors/transformer_asic/placement.h"
#include "memwall/processors/transformer_asic/transformer_asic.h"
#include "memwall/processors/transformer_asic/work.h"
#include "memwall/program/ledger.h"
#include "tests/support/edited_card.h"

namespace memwall {
namespace {

using testing::HasSubstr;

// sohu-8 with one piece of its chip's text replaced.
System system_with(const std::string& from = "", const std::string& to = "") {
  return edited_system("sohu-8", from, to);
}
AsicCard card() { return read_asic_card(system_with()); }

std::string refusal_of_card(const std::string& from, const std::string& to) {
  try {
    read_asic_card(system_with(from, to));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(AsicCard, RefusesWhatCannotBe) {
  EXPECT_THAT(refusal_of_card("sampler: {word: has", "sampler: {word: maybe"),
              HasSubstr("graph.sampler: found 'maybe', expected 'has' or 'lacks'"));
  EXPECT_THAT(refusal_of_card("  sampler: {word", "  sampling: {word"),
              HasSubstr("graph.sampling: found 'sampling'"));
  EXPECT_THAT(refusal_of_card("count: {value: 16", "count: {value: 12.5"),
              HasSubstr("array.count: found '12.5', expected a whole number"));
  EXPECT_THAT(refusal_of_card("achieved: {value: 0.9,", "achieved: {value: 1.2, note: x,"),
              HasSubstr("hbm.achieved"));
}

// The peak is 16 arrays of 512 x 512 cells, two operations each per cycle.
TEST(AsicCard, Peak) { EXPECT_DOUBLE_EQ(card().peak().value, 2.0 * 16 * 512 * 512 * 1.16e9); }

TEST(AsicCard, ControlTakesItsShareOfTheArrays) {
  const AsicCard with_control = read_asic_card(read_system("sohu-8-with-control"));
  EXPECT_EQ(with_control.arrays, 8);
  EXPECT_EQ(with_control.control, Seconds(3e-6));
}

// 2,048 rows through 4096 x 4096 weights: 64 folds, four for each array, 2,048 cycles each.
TEST(AsicWork, AMatrixHoldsTheArraysForItsFolds) {
  const AsicWork work = matrix_work(card(), 2048, 4096, 4096, Format::fp8, 16e6);
  const double cells = 16.0 * 512 * 512;
  EXPECT_DOUBLE_EQ(work.charged_ops, 2 * cells * 4 * 2048);
  EXPECT_DOUBLE_EQ(work.useful_ops, work.charged_ops);  // nothing is lost: the shape fills the arrays
}

// One sequence of 512 keys, 8 KV heads of 128 with 8 queries each: for every head 128 rows of keys load under
// 8 queries, then 512 rows of values. 8 * (128 + 512) cycles over 16 arrays.
TEST(AsicWork, DecodeAttentionIsHeldByItsLoads) {
  Attention shape;
  shape.heads = 64;
  shape.kv_heads = 8;
  shape.qk_dim = shape.v_dim = 128;
  const AsicWork work = attention_work(card(), shape, {{1, 1, 511}}, 1);
  EXPECT_DOUBLE_EQ(work.charged_ops, 2.0 * 16 * 512 * 512 * (8 * (128 + 512) / 16));
  EXPECT_DOUBLE_EQ(work.useful_ops, 2.0 * 512 * 64 * 256);
  EXPECT_DOUBLE_EQ(work.exps, 512.0 * 64);
  EXPECT_DOUBLE_EQ(work.kv_read, 512.0 * 8 * 256 * 2);
}

// Two phases, each 7/8 of the tensor.
TEST(AsicWork, AllReduce) {
  const AsicWork work = all_reduce_work(8e6, 8);
  EXPECT_DOUBLE_EQ(work.link, 14e6);
  EXPECT_EQ(work.hops, 2);
}

std::string refusal_of(const std::string& model) {
  return place_on_asic(card(), read_model(model), Plan{8, 1, 1, 1, ""}, Need{}, 8).refusal;
}

TEST(AsicPlacement, AModelOutsideTheGraphIsRefusedByItsOperator) {
  EXPECT_EQ(refusal_of("llama-3.1-70b"), "");
  EXPECT_EQ(refusal_of("mixtral-8x7b"), "");
  EXPECT_EQ(refusal_of("deepseek-v3"), "attention needs latent_attention, which its fixed graph lacks");
  EXPECT_EQ(refusal_of("gpt-oss-120b"), "attention.0 needs window_attention, which its fixed graph lacks");
}

TEST(AsicPlacement, ArraysOfEightBitsRefuseSixteen) {
  AsicCard narrow = card();
  narrow.wide_cycles = 0;
  EXPECT_EQ(place_on_asic(narrow, read_model("llama-3.1-70b"), Plan{8, 1, 1, 1, ""}, Need{}, 8).refusal,
            "qkv needs bf16, the arrays have 8 bits");
}

TEST(AsicPlacement, CountsChips) {
  Need need;
  need.context = 8192;
  const Model model = read_model("llama-3.1-405b");
  const Placement placement = place_on_asic(card(), model, Plan{1, 1, 1, 1, ""}, need, 8);
  EXPECT_FALSE(placement.fits);
  EXPECT_THAT(placement.refusal, HasSubstr("hbm short by"));
  EXPECT_GE(placement.smallest_chips * 144e9, weight_bytes(model).value);
  EXPECT_THROW(place_on_asic(card(), model, Plan{3, 1, 1, 1, ""}, need, 8), ConfigError);
  EXPECT_THROW(place_on_asic(card(), model, Plan{8, 2, 1, 1, ""}, need, 8), ConfigError);
}

TEST(AsicModel, ProgramsVerifyAndTheBoundHolds) {
  const Model model = read_model("mixtral-8x7b");
  for (const Plan& plan : asic_plans(model, 8)) {
    const AsicModel placed(card(), model, plan);
    Program program;
    ScheduleClock clock;
    for (const Step& step : {Step{{{1, 1, 4096}}, {}}, Step{{{64, 1, 4096}, {1, 512, 100}}, {}}}) {
      placed.lower(step, program);
      verify(program);
      EXPECT_LE(bound_time(program).time, clock.run(program).time) << to_text(plan);
    }
  }
}

// Useful operations are the model's own count, over all chips.
TEST(AsicModel, DoesTheModelsArithmetic) {
  const Model model = read_model("llama-3.1-8b");
  const Step step{{{1, 128, 0}, {7, 1, 300}}, {}};
  double macs = 0;
  for_each_operator(model, [&](const Operator& op, std::int64_t repeat) {
    macs += static_cast<double>(repeat) * work(op, step).macs;
  });
  Program program;
  AsicModel(card(), model, Plan{8, 1, 1, 1, ""}).lower(step, program);
  double ops = 0;
  for (const Block& block : program.blocks) {
    for (const Task& task : block.tasks) {
      for (std::int32_t i = 0; i < task.demand_count; ++i) {
        const Demand& demand = task.demands[static_cast<std::size_t>(i)];
        const std::string& name = program.resources[static_cast<std::size_t>(demand.resource)].name;
        ops += name.starts_with("arrays") ? static_cast<double>(block.repeat) * demand.useful : 0;
      }
    }
  }
  EXPECT_NEAR(ops * program.replicas / (2 * macs), 1, 1e-9);
}

double figure(const std::string& system, const std::string& name) {
  const System opened = read_system(system);
  for (const Figure& each : claim_figures(read_asic_card(opened), opened)) {
    if (each.name == name) {
      return each.value;
    }
  }
  throw std::logic_error(name);
}

// 500,000 tokens/s * 2 * 70e9 / 8 chips, and attention.
TEST(Claim, ImpliesAnArithmeticRate) {
  EXPECT_NEAR(figure("sohu-8", "claim.arithmetic"), 8.75, 0.1);
  EXPECT_LT(figure("sohu-8-with-control", "rate.pipeline"), figure("sohu-8", "rate.pipeline"));
}

// Two sums of 8,192 16-bit values per layer and token, 14/8 of them over each chip's links.
TEST(Claim, TensorParallelismNeedsItsLinks) {
  EXPECT_NEAR(figure("sohu-8", "claim.link_tensor_parallel"), 500e3 * 80 * 2 * 8192 * 2 * 1.75 / 1e12, 0.03);
}

}  // namespace
}  // namespace memwall
