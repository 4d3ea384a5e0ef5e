// Questions: are single kernels lowered soundly, and is every impossible one refused with its reason?
#include "memwall/processors/gpu/gpu_processor.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/error.h"
#include "memwall/program/clock.h"

namespace memwall {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string refusal_of(const KernelOp& op, const std::string& system) {
  try {
    make_gpu()->lower_kernel(op, read_system(system), {});
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

GemmOp gemm(std::int64_t m, Format format, Format activation) { return {m, 4096, 4096, format, activation}; }

ExpertsOp experts() {
  ExpertsOp op;
  op.shape.num_experts = 8;
  op.shape.experts_per_token = 2;
  op.shape.width = 4096;
  op.shape.intermediate = 14336;
  op.tokens = 16;
  return op;
}

AttentionOp attention(std::int64_t new_tokens) {
  AttentionOp op;
  op.shape.heads = 32;
  op.shape.kv_heads = 8;
  op.shape.qk_dim = op.shape.v_dim = 128;
  op.slice = {8, new_tokens, 1000};
  return op;
}

TEST(GpuProcessor, EveryKernelIsSoundAndAboveItsBound) {
  AllReduceOp reduce;
  reduce.bytes = Bytes(1e6);
  reduce.chips = 8;
  const KernelOp ops[] = {gemm(1, Format::bf16, Format::bf16),
                          gemm(1000, Format::fp8, Format::fp8),
                          gemm(7, Format::int4, Format::bf16),
                          gemm(64, Format::q4_k, Format::fp16),
                          gemm(3, Format::fp32, Format::fp32),
                          attention(1),
                          attention(500),
                          reduce,
                          experts()};
  const System system = read_system("8xh100");
  ScheduleClock clock;
  for (const KernelOp& op : ops) {
    for (const bool eager : {false, true}) {
      LowerOptions options;
      options.eager = eager;
      const Program program = make_gpu()->lower_kernel(op, system, options);
      ASSERT_NO_THROW(verify(program));
      EXPECT_LE(bound_time(program).time.value, clock.run(program).time.value);
    }
  }
}

TEST(GpuProcessor, RefusesFormatsThatTheChipLacks) {
  EXPECT_THAT(refusal_of(gemm(1, Format::fp8, Format::fp8), "1xa100"),
              AllOf(HasSubstr("format"), HasSubstr("NVIDIA A100 SXM 80 GB has no fp8 arithmetic")));
  EXPECT_THAT(refusal_of(gemm(1, Format::nvfp4, Format::nvfp4), "1xh100"), HasSubstr("no nvfp4 arithmetic"));
  EXPECT_EQ(refusal_of(gemm(1, Format::nvfp4, Format::nvfp4), "1xb200"), "");
  ExpertsOp op = experts();
  op.shape.weight = op.shape.activation = Format::fp8_block;
  EXPECT_THAT(refusal_of(op, "1xa100"), HasSubstr("no fp8 arithmetic"));
}

TEST(GpuProcessor, RefusesShapesThatCannotBe) {
  EXPECT_THAT(refusal_of(gemm(0, Format::bf16, Format::bf16), "1xh100"), HasSubstr("m: found 0"));
  AllReduceOp reduce;
  reduce.bytes = Bytes(1e6);
  reduce.chips = 16;
  EXPECT_THAT(refusal_of(reduce, "8xh100"), AllOf(HasSubstr("chips"), HasSubstr("at most the system's 8")));
  reduce.chips = 1;
  EXPECT_THAT(refusal_of(reduce, "8xh100"), HasSubstr("at least 2 chips"));
  reduce.chips = 4;
  reduce.algorithm = "tree";
  EXPECT_THAT(refusal_of(reduce, "8xh100"), HasSubstr("auto, custom or nccl"));
  ExpertsOp op = experts();
  op.ep = 3;
  EXPECT_THAT(refusal_of(op, "8xh100"), HasSubstr("num_experts = 8"));
  op.ep = 1;
  op.tp = 5;
  EXPECT_THAT(refusal_of(op, "8xh100"), HasSubstr("intermediate size 14336"));
}

// fp8 activations are found their scale first; bf16 ones are not.
TEST(GpuProcessor, LoneNarrowGemmsQuantiseTheirInput) {
  const System system = read_system("1xh100");
  EXPECT_EQ(make_gpu()->lower_kernel(gemm(1, Format::bf16, Format::bf16), system, {}).task_count(), 1);
  EXPECT_EQ(make_gpu()->lower_kernel(gemm(1, Format::fp8, Format::fp8), system, {}).task_count(), 2);
}

TEST(GpuProcessor, CheckMeetsABadCardAtTheDoor) {
  System system = read_system("8xh100");
  EXPECT_NO_THROW(make_gpu()->check(system));
  system.pools.front().chip.facts.erase("l2.bandwidth");
  EXPECT_THROW(make_gpu()->check(system), ConfigError);
}

}  // namespace
}  // namespace memwall
