#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/processors/hardwired/test_support.h"

namespace memwall {
namespace {

using hardwired_test::card_named;
using testing::HasSubstr;

double seconds(const Program& program) {
  verify(program);
  ScheduleClock clock;
  return clock.run(program).time.value;
}

void expect_refused(const KernelOp& op, const HardwiredCard& card, const std::string& message) {
  try {
    lower_hardwired_kernel(op, card);
    ADD_FAILURE() << "accepted, expected: " << message;
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr(message));
  }
}

// 64K keys of 2 heads on every fourth chip: two passes of 1,024 cycles.
TEST(HardwiredKernel, AttentionIsPassesOverTheCache) {
  Attention shape;
  shape.heads = 64;
  shape.kv_heads = 8;
  shape.qk_dim = shape.v_dim = 64;
  const AttentionOp op{shape, {1, 1, 65535}};
  EXPECT_NEAR(seconds(lower_hardwired_kernel(op, card_named("hnlpu"))), 2 * 1024e-9, 1e-11);
}

// A reduce and a broadcast along the row, then along the column: 4 exchanges.
TEST(HardwiredKernel, AllReduceIsExchangesInTurn) {
  const HardwiredCard card = card_named("hnlpu");
  const double exchange = 100e-9 + card.links->round_overhead.value + 5760 / 128e9;
  EXPECT_NEAR(seconds(lower_hardwired_kernel(AllReduceOp{Bytes(5760), 16, "auto"}, card)), 4 * exchange,
              1e-11);
  EXPECT_NEAR(seconds(lower_hardwired_kernel(AllReduceOp{Bytes(5760), 4, "auto"}, card)), 2 * exchange,
              1e-11);
}

TEST(HardwiredKernel, RefusesWhatIsNotInTheWires) {
  const HardwiredCard card = card_named("hnlpu");
  expect_refused(GemmOp{}, card, "op: found a GEMM of any other matrix, expected attention or allreduce");
  expect_refused(ExpertsOp{}, card, "the matrices are those of gpt-oss-120b");
  expect_refused(AllReduceOp{Bytes(1), 8, "auto"}, card, "chips: found 8, expected a row of 4");
  expect_refused(AllReduceOp{Bytes(1), 4, "nccl"}, card, "algorithm: found 'nccl'");
  expect_refused(AllReduceOp{Bytes(1), 2, "auto"}, card_named("hc1"), "a chip with links to others");
  AttentionOp latent;
  latent.shape.latent = 512;
  expect_refused(latent, card, "op: found latent attention");
}

}  // namespace
}  // namespace memwall
