#include "memwall/model/layer_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace memwall {
namespace {

using ::testing::ElementsAre;

// One layer per letter: equal letters are equal layers.
std::vector<Layer> layers(const std::string& letters) {
  std::vector<Layer> list;
  for (const char letter : letters) {
    list.push_back(
        {std::string(1, letter), {{"ffn", OpRole::ffn, TensorSplit::replicated, Activation{letter, true}}}});
  }
  return list;
}

std::vector<std::string> grouped(const std::string& letters) {
  std::vector<std::string> list;
  for (const LayerGroup& group : group_layers(layers(letters))) {
    list.push_back(group.name + " " + std::to_string(group.repeat) + "x" +
                   std::to_string(group.layers_per_repeat));
  }
  return list;
}

TEST(GroupLayers, EqualLayersAreOneGroup) { EXPECT_THAT(grouped("aaaaaa"), ElementsAre("a 6x1")); }

TEST(GroupLayers, DenseFirstThenExperts) { EXPECT_THAT(grouped("dddmmmmm"), ElementsAre("d 3x1", "m 5x1")); }

TEST(GroupLayers, AlternationIsOneGroupOfTwo) { EXPECT_THAT(grouped("wfwfwfwf"), ElementsAre("w_f 4x2")); }

TEST(GroupLayers, AnUnfinishedPeriodIsLeftOver) {
  EXPECT_THAT(grouped("lllllglllllglll"), ElementsAre("l_g 2x6", "l 3x1"));
}

TEST(GroupLayers, IrregularLayersKeepTheirOrderAndDistinctNames) {
  EXPECT_THAT(grouped("abaac"), ElementsAre("a 1x1", "b 1x1", "a_2 2x1", "c 1x1"));
}

TEST(GroupLayers, OperatorsOfAPeriodAreNumbered) {
  const std::vector<LayerGroup> groups = group_layers(layers("wfwf"));
  EXPECT_EQ(groups[0].operators[0].name, "ffn.0");
  EXPECT_EQ(groups[0].operators[1].name, "ffn.1");
}

}  // namespace
}  // namespace memwall
