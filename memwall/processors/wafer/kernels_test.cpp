// What `memwall op` answers for a wafer: hand-checked costs, programs that pass, refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/processors/wafer/test_support.h"

namespace memwall {
namespace {

using testing::HasSubstr;
using wafer_test::card_of;

double seconds_of(const Program& program) {
  verify(program);
  ScheduleClock clock;
  const double time = clock.run(program).time.value;
  EXPECT_LE(bound_time(program).time.value, time);
  return time;
}

Attention llama_attention() {
  Attention shape;
  shape.heads = 32;
  shape.kv_heads = 8;
  shape.qk_dim = shape.v_dim = 128;
  return shape;
}

// The best side of the square for a GEMV is found by trying all: none does better.
TEST(WaferKernels, GemvRunsOnTheBestSquare) {
  const WaferCard card = card_of("cs-2");
  const MeshTiming timing = mesh_timing(card);
  const double time =
      seconds_of(lower_wafer_kernel(GemmOp{1, 16384, 16384, Format::fp16, Format::fp16}, card));
  double least = 1e9;
  for (int side = 150; side <= 750; ++side) {
    least = std::min(least, mesh_gemv(1, 16384, 16384, side, side, Collective::ktree, timing).total());
  }
  EXPECT_NEAR(time * card.clock.value, least, 1e-3 * least);
}

// Many tokens: a MeshGEMM, whose time per token is far below a GEMV's.
TEST(WaferKernels, GemmTakesTokensTogether) {
  const WaferCard card = card_of("cs-3");
  const auto time = [&](std::int64_t m) {
    return seconds_of(lower_wafer_kernel(GemmOp{m, 4096, 4096, Format::fp16, Format::fp16}, card));
  };
  EXPECT_LT(time(4096), 4096 * time(1) / 4);
  EXPECT_LE(time(1), time(2));
}

TEST(WaferKernels, EveryKindOfKernelHasAProgram) {
  const WaferCard card = card_of("cs-3");
  EXPECT_GT(seconds_of(lower_wafer_kernel(AttentionOp{llama_attention(), {4, 1, 4096}}, card)), 0);
  EXPECT_GT(seconds_of(lower_wafer_kernel(AttentionOp{llama_attention(), {1, 512, 0}}, card)), 0);
  EXPECT_GT(seconds_of(lower_wafer_kernel(AttentionOp{llama_attention(), {1, 1, 65536}}, card)),
            seconds_of(lower_wafer_kernel(AttentionOp{llama_attention(), {1, 1, 1024}}, card)));
  Experts experts;
  experts.num_experts = 32;
  experts.experts_per_token = 4;
  experts.width = experts.intermediate = 2880;
  ExpertsOp op;
  op.shape = experts;
  op.tokens = 4;
  EXPECT_GT(seconds_of(lower_wafer_kernel(op, card)), 0);
  for (const auto kind :
       {PointwiseOp::Kind::softmax, PointwiseOp::Kind::layer_norm, PointwiseOp::Kind::gelu}) {
    EXPECT_GT(seconds_of(lower_wafer_kernel(PointwiseOp{kind, 1024, 4096}, card)), 0);
  }
}

// A ring over 4 wafers: 6 steps of latency, and 1.5 times the tensor over one edge at 150 GB/s.
TEST(WaferKernels, AllReduceGoesOverTheEdges) {
  const double time = seconds_of(lower_wafer_kernel(AllReduceOp{Bytes(1e9), 4}, card_of("cs-3")));
  EXPECT_NEAR(time, 6 * 5e-6 + 1.5e9 / 150e9, 1e-6);
}

TEST(WaferKernels, RefusesWithOneLine) {
  const auto expect_refused = [](const KernelOp& op, const std::string& message) {
    try {
      lower_wafer_kernel(op, card_of("cs-3"));
      ADD_FAILURE() << message;
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), HasSubstr(message));
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    }
  };
  expect_refused(GemmOp{1, 1 << 20, 1 << 20, Format::fp16, Format::fp16},
                 "op: found the matrix of 2.2e+03 GB, expected what one wafer holds, 40.7 GB");
  expect_refused(AttentionOp{llama_attention(), {1000, 1, 131072}}, "op: found the cache of 537 GB");
  AllReduceOp reduce{Bytes(1e6), 4};
  reduce.algorithm = "nccl";
  expect_refused(reduce, "algorithm: found 'nccl', expected 'auto', a ring over the edges of the wafers");
}

}  // namespace
}  // namespace memwall
