// Questions: which plans divide a model, how many bytes does the fullest chip hold, and what if they do not
// fit?
#include "memwall/processors/gpu/gpu_placement.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/error.h"
#include "memwall/model/read_model.h"

namespace memwall {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Plan plan_of(int tp, int pp = 1, int dp = 1, int ep = 1) {
  Plan plan;
  plan.tp = tp;
  plan.pp = pp;
  plan.dp = dp;
  plan.ep = ep;
  return plan;
}
Need need_of(std::int64_t sequences, std::int64_t context) {
  Need need;
  need.sequences = need.step_tokens = sequences;
  need.context = context;
  return need;
}
GpuSpec spec_of(const std::string& system) { return read_gpu_spec(read_system(system)); }

std::string refusal_of(const std::string& model, const Plan& plan, int chips) {
  try {
    check_plan(read_model(model), plan, chips);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(GpuPlacement, PlansThatDoNotDivideAreRefusedByName) {
  EXPECT_EQ(refusal_of("llama-3.1-70b", plan_of(8), 8), "");
  EXPECT_THAT(refusal_of("llama-3.1-70b", plan_of(3), 8),
              AllOf(HasSubstr("tp"), HasSubstr("found 3"), HasSubstr("num_attention_heads = 64")));
  EXPECT_EQ(refusal_of("llama-3.1-70b", plan_of(1, 3), 8), "");  // 27, 27 and 26 layers
  EXPECT_THAT(refusal_of("llama-3.1-70b", plan_of(1, 81), 81),
              AllOf(HasSubstr("pp: found 81"), HasSubstr("at most the model's runs of equal layers = 80")));
  EXPECT_THAT(refusal_of("llama-3.1-70b", plan_of(8, 2), 8), HasSubstr("at most the system's 8 chips"));
  EXPECT_THAT(refusal_of("llama-3.1-70b", plan_of(2, 1, 1, 2), 8), HasSubstr("without routed experts"));
  EXPECT_THAT(refusal_of("llama-3.1-70b", plan_of(0), 8), HasSubstr("at least 1"));
  EXPECT_THAT(refusal_of("gpt-oss-120b", plan_of(1, 1, 8, 3), 8), HasSubstr("num_experts = 128"));
  EXPECT_THAT(refusal_of("gpt-oss-120b", plan_of(1, 1, 8, 16), 8), HasSubstr("tp * dp = 8"));
  EXPECT_THAT(refusal_of("qwen3-235b-a22b", plan_of(16), 16), "");  // 4 KV heads, each on four chips
  EXPECT_THAT(refusal_of("smollm2-135m", plan_of(3), 8), "");       // 9 heads
  Plan mode = plan_of(1);
  mode.mode = "sram";
  EXPECT_THAT(refusal_of("llama-3.1-70b", mode, 8), HasSubstr("mode"));
  EXPECT_THAT(refusal_of("llama-3.1-70b", plan_of(65536, 65536, 65536), 8), HasSubstr("chips"));
}

// 70,553,706,496 values of 2 B; every matrix is divided by 8, only the norms (161 x 8192) are not.
TEST(GpuPlacement, WeightsAreDividedOverTensorParallelChips) {
  const Model model = read_model("llama-3.1-70b");
  const MemoryUse use = memory_use(spec_of("8xh100"), model, plan_of(8), need_of(1, 1));
  const double norms = 161 * 8192 * 2;
  EXPECT_NEAR(use.weights.value, (2 * 70553706496.0 - norms) / 8 + norms, 1);
}

// 327,680 B a token for 8 KV heads: a tenth chip still holds one head.
TEST(GpuPlacement, KvHeadsAreDividedThenReplicated) {
  const Model model = read_model("llama-3.1-70b");
  const GpuSpec spec = spec_of("16xh100");
  const auto kv = [&](int tp) { return memory_use(spec, model, plan_of(tp), need_of(4, 1000)).kv.value; };
  EXPECT_DOUBLE_EQ(kv(1), 4000.0 * 327680);
  EXPECT_DOUBLE_EQ(kv(8), 4000.0 * 327680 / 8);
  EXPECT_DOUBLE_EQ(kv(16), 4000.0 * 327680 / 8);
}

// The latent cache (70,272 B a token) is whole on every chip; data parallelism divides it by sequences.
TEST(GpuPlacement, LatentCachesAreReplicatedOverTpAndDividedOverDp) {
  const Model model = read_model("deepseek-v3");
  const GpuSpec spec = spec_of("8xh200");
  EXPECT_DOUBLE_EQ(memory_use(spec, model, plan_of(8), need_of(8, 1000)).kv.value, 8000.0 * 70272);
  EXPECT_DOUBLE_EQ(memory_use(spec, model, plan_of(1, 1, 8, 8), need_of(8, 1000)).kv.value, 1000.0 * 70272);
}

TEST(GpuPlacement, PipelinesDivideLayersAndTheirCache) {
  const Model model = read_model("llama-3.1-70b");
  const GpuSpec spec = spec_of("8xh100");
  const MemoryUse one = memory_use(spec, model, plan_of(4), need_of(4, 1000));
  const MemoryUse two = memory_use(spec, model, plan_of(4, 2), need_of(4, 1000));
  EXPECT_DOUBLE_EQ(two.kv.value, one.kv.value / 2);
  EXPECT_NEAR(two.weights / one.weights, 0.51, 0.01);  // half the layers and the embedding or the head
  const auto stages = stage_parts(model, 4);
  ASSERT_EQ(stages.size(), 4u);
  EXPECT_EQ(stages[3].front().repeat, 20);
}

TEST(GpuPlacement, StagesMayCutAGroupOfLayers) {
  Model model;
  model.groups.resize(2);
  model.groups[0].repeat = 3;
  model.groups[1].repeat = 5;
  const auto stages = stage_parts(model, 2);
  ASSERT_EQ(stages[0].size(), 2u);
  EXPECT_EQ(stages[0][0].repeat, 3);
  EXPECT_EQ(stages[0][1].repeat, 1);
  EXPECT_EQ(stages[1][0].repeat, 4);
}

// 61 layers over 4 stages: the last, which has the head as well, is the shorter one.
TEST(GpuPlacement, StagesMayBeUnequal) {
  const auto stages = stage_parts(read_model("deepseek-v3"), 4);
  std::vector<std::int64_t> layers;
  for (const auto& stage : stages) {
    layers.push_back(0);
    for (const StagePart& part : stage) {
      layers.back() += part.repeat;
    }
  }
  EXPECT_EQ(layers, (std::vector<std::int64_t>{16, 15, 15, 15}));
}

// 141 GB of weights do not fit into 80 GB, nor into 2 x 80 beside the reserve and a cache of 100 GB.
TEST(GpuPlacement, DoesNotFitIsAValueWithTheShortfall) {
  const Model model = read_model("llama-3.1-70b");
  const Placement one = place_on_gpus(spec_of("1xh100"), model, plan_of(1), need_of(1, 4096), 1);
  EXPECT_FALSE(one.fits);
  EXPECT_THAT(one.refusal, HasSubstr("hbm short by"));
  EXPECT_GT(one.memory.at(0).shortfall(), Bytes(60e9));
  EXPECT_EQ(one.smallest_chips, 2);
  const Placement eight = place_on_gpus(spec_of("8xh100"), model, plan_of(8), need_of(64, 4096), 8);
  EXPECT_TRUE(eight.fits);
  EXPECT_EQ(eight.refusal, "");
  EXPECT_EQ(eight.smallest_chips, 4);
}

TEST(GpuPlacement, NothingHoldsAnAbsurdCache) {
  const Placement placement =
      place_on_gpus(spec_of("1xh100"), read_model("llama-3.1-70b"), plan_of(1), need_of(100000, 100000), 1);
  EXPECT_FALSE(placement.fits);
  EXPECT_EQ(placement.smallest_chips, 0);
}

// (76.1 GB - 17.8 GB of weights - activations) / 40,960 B a token and chip.
TEST(GpuPlacement, CapacityIsTheRoomBesideTheWeights) {
  const Model model = read_model("llama-3.1-70b");
  const GpuSpec spec = spec_of("8xh100");
  const Placement placement = place_on_gpus(spec, model, plan_of(8), need_of(1, 4096), 8);
  const MemoryUse& use = placement.memory.at(0);
  const double room = (use.capacity - use.weights - use.activations).value;
  EXPECT_NEAR(static_cast<double>(placement.kv_capacity_tokens), room / 40960, 1);
  // As many sequences as it says do fit, one more does not.
  Need need = need_of(1, 4096);
  need.sequences = placement.kv_capacity_tokens / 4096 - 1;
  EXPECT_EQ(memory_use(spec, model, plan_of(8), need).shortfall(), Bytes(0));
  need.sequences += 8;
  EXPECT_GT(memory_use(spec, model, plan_of(8), need).shortfall(), Bytes(0));
}

TEST(GpuPlacement, AModelInAFormatThatTheChipLacksIsRefusedAsAValue) {
  const Placement placement =
      place_on_gpus(spec_of("8xa100"), read_model("deepseek-v3"), plan_of(8), need_of(1, 4096), 8);
  EXPECT_FALSE(placement.fits);
  EXPECT_THAT(placement.refusal, HasSubstr("has no fp8 arithmetic"));
}

TEST(GpuPlacement, CandidatesDivideAndStartWithTheLeastWeightsPerChip) {
  const Model dense = read_model("llama-3.1-70b");
  const auto plans = gpu_candidate_plans(spec_of("8xh100"), dense, 8);
  ASSERT_FALSE(plans.empty());
  EXPECT_EQ(plans.front(), plan_of(8));
  for (const Plan& plan : plans) {
    EXPECT_NO_THROW(check_plan(dense, plan, 8));
    EXPECT_EQ(plan.chips(), 8);
  }
  // Two domains of 8: no tensor parallelism across the network.
  EXPECT_EQ(gpu_candidate_plans(spec_of("16xh100"), dense, 16).front(), plan_of(8, 1, 2));
  // 72 chips: 256 experts divide over 64 of them.
  bool wide = false;
  for (const Plan& plan : gpu_candidate_plans(spec_of("72xgb200"), read_model("deepseek-v3"), 72)) {
    wide = wide || plan.ep == 64;
  }
  EXPECT_TRUE(wide);
}

}  // namespace
}  // namespace memwall
