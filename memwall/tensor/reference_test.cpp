#include "memwall/tensor/reference.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace memwall::reference {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::FloatNear;

TEST(Reference, Matmul) {
  const std::vector<float> x = {1, 2, 3, 4}, w = {5, 6, 7, 8};
  EXPECT_THAT(matmul(x, w, 2, 2, 2), ElementsAre(19, 22, 43, 50));
  const std::vector<std::int32_t> big = {32767, -32768}, other = {32767, 32767};
  EXPECT_THAT(matmul(big, other, 1, 2, 1), ElementsAre(-32767));
}

TEST(Reference, Norms) {
  const std::vector<float> x = {3, 4}, one = {1, 1}, zero = {0, 0};
  EXPECT_THAT(rms_norm(x, one, 0), ElementsAre(FloatEq(3 / std::sqrt(12.5F)), FloatEq(4 / std::sqrt(12.5F))));
  EXPECT_THAT(layer_norm(x, one, zero, 0), ElementsAre(FloatEq(-1), FloatEq(1)));
}

TEST(Reference, SoftmaxIsStableForLargeScores) {
  EXPECT_THAT(softmax(std::vector<float>{1000, 1000}), ElementsAre(0.5F, 0.5F));
}

TEST(Reference, Activations) {
  EXPECT_THAT(silu(std::vector<float>{0, 1}), ElementsAre(0, FloatEq(0.731058579F)));
  EXPECT_THAT(gelu(std::vector<float>{0, 1}), ElementsAre(0, FloatEq(0.841344746F)));
}

// A quarter turn of the first pair: the slowest pair hardly moves when the base is large.
TEST(Reference, RopeTurnsPairsHalfAVectorApart) {
  const std::vector<float> x = {1, 0, 0, 1};
  const std::vector<float> y = rope(x, 1, 1e30);
  EXPECT_THAT(y, ElementsAre(FloatNear(std::cos(1.0F), 1e-6F), FloatNear(0, 1e-6F),
                             FloatNear(std::sin(1.0F), 1e-6F), FloatNear(1, 1e-6F)));
}

// Equal scores average the values; a far larger score picks one.
TEST(Reference, Attention) {
  const std::vector<float> keys = {1, 0, 1, 0}, values = {2, 4, 4, 8};
  EXPECT_THAT(attention(std::vector<float>{0, 1}, keys, values, 2, 2), ElementsAre(3, 6));
  const std::vector<float> apart = {1, 0, 0, 1};
  EXPECT_THAT(attention(std::vector<float>{0, 900}, apart, values, 2, 2), ElementsAre(4, 8));
}

}  // namespace
}  // namespace memwall::reference
