#include "memwall/model/model_parts.h"

#include <gtest/gtest.h>

#include "memwall/model/read_model.h"

namespace memwall {
namespace {

// Every operator is in exactly one part.
TEST(ModelParts, HoldTheWholeModelTogether) {
  const Model model = read_model("deepseek-v3");
  const Model attention = part_of(model, {OpRole::attention}), ffn = part_of(model, {OpRole::ffn}),
              rest = part_of(model, {OpRole::embed, OpRole::head});
  EXPECT_EQ(weight_bytes(attention) + weight_bytes(ffn) + weight_bytes(rest), weight_bytes(model));
  EXPECT_EQ(kv_bytes_per_token(attention), kv_bytes_per_token(model));
  EXPECT_EQ(kv_bytes_per_token(ffn), Bytes(0));
  EXPECT_TRUE(rest.groups.empty());
}

TEST(ModelParts, RunsMakeUpTheModel) {
  const Model model = read_model("deepseek-v3");
  Bytes sum = weight_bytes(prologue_of(model)) + weight_bytes(epilogue_of(model));
  for (const LayerGroup& group : model.groups) {
    sum += weight_bytes(one_run_of(model, group)) * static_cast<double>(group.repeat);
  }
  EXPECT_EQ(sum, weight_bytes(model));
}

}  // namespace
}  // namespace memwall
