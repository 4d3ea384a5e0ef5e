#include "memwall/model/module_pattern.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace memwall {
namespace {

bool matches(const std::string& pattern, const std::string& module) {
  return ModulePattern(pattern).matches(module);
}

TEST(ModulePattern, PlainNamesMatchWholeComponents) {
  EXPECT_TRUE(matches("lm_head", "lm_head"));
  EXPECT_TRUE(matches("gate", "model.layers.3.mlp.gate"));
  EXPECT_FALSE(matches("gate", "model.layers.3.mlp.gate_proj"));
  EXPECT_TRUE(matches("mlp.gate", "model.layers.3.mlp.gate"));
  EXPECT_TRUE(matches("model.layers.3.self_attn", "model.layers.3.self_attn.q_proj"));
  EXPECT_FALSE(matches("model.layers.3", "model.layers.33.self_attn.q_proj"));
}

TEST(ModulePattern, StarStandsForAnything) {
  EXPECT_TRUE(matches("model.layers.*.self_attn", "model.layers.17.self_attn.o_proj"));
  EXPECT_FALSE(matches("model.layers.*.mlp.router", "model.layers.17.mlp.experts.0.up_proj"));
  EXPECT_TRUE(matches("*", "lm_head"));
}

TEST(ModulePattern, ExpressionsMatchFromTheStart) {
  EXPECT_TRUE(matches("re:.*lm_head", "lm_head"));
  EXPECT_TRUE(matches("re:.*mlp.gate$", "model.layers.0.mlp.gate"));
  EXPECT_FALSE(matches("re:.*mlp.gate$", "model.layers.0.mlp.gate_proj"));
  EXPECT_TRUE(matches("re:.*mlp\\.(gate|up|down)_proj.*", "model.layers.0.mlp.up_proj"));
  EXPECT_FALSE(matches("re:.*mlp\\.(gate|up|down)_proj.*", "model.layers.0.mlp.experts.0.up_proj"));
  EXPECT_FALSE(matches("re:self_attn", "model.layers.0.self_attn.q_proj"));
  EXPECT_TRUE(matches("re:^model\\.layers.*self_attn", "model.layers.0.self_attn.q_proj"));
}

TEST(ModulePattern, RefusesWhatItDoesNotUnderstand) {
  for (const char* text : {"", "re:a+", "re:[ab]", "re:((a|b)c)", "re:(a", "re:a)", "re:a\\d", "re:x*"}) {
    EXPECT_THROW(ModulePattern{text}, std::invalid_argument) << text;
  }
  EXPECT_THROW(ModulePattern(std::string(300, 'a')), std::invalid_argument);
  EXPECT_THROW(ModulePattern("re:(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)"), std::invalid_argument);
}

TEST(ModulePattern, ManyStarsStayFast) {
  std::string pattern = "re:";
  for (int i = 0; i < 80; ++i) {
    pattern += ".*a";
  }
  EXPECT_FALSE(matches(pattern + "$", std::string(200, 'a') + "b"));
}

}  // namespace
}  // namespace memwall
