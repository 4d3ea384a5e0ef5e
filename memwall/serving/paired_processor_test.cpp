// A paired system of two pools of toys, whose times can be worked out by hand.
#include "memwall/serving/paired_processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/error.h"
#include "memwall/serving/paired_plan.h"
#include "memwall/serving/step_timer.h"
#include "memwall/serving/toy_processor.h"

namespace memwall {
namespace {

using testing::HasSubstr;

System paired_system() {
  System system = toy_system(1);
  system.pools.push_back(system.pools.front());
  system.pools[0].role = PoolRole::attention;
  system.pools[1].role = PoolRole::ffn;
  system.pools[0].chip.name = "a";
  system.pools[1].chip.name = "f";
  for (const Fact& each : {toy_fact("crossing.latency", 1e-6, dimension_of(Seconds{})),
                           toy_fact("crossing.bandwidth", 1e9, dimension_of(BytesPerSecond{})),
                           toy_fact("crossing.energy", 1e-12, dimension_of(JoulesPerByte{}))}) {
    system.facts.facts[each.key] = each;
  }
  return system;
}

std::unique_ptr<Processor> processor() {
  return make_paired_processor(std::make_unique<ToyProcessor>(), std::make_unique<ToyProcessor>());
}

Seconds time_of(const Plan& plan, const Step& step) {
  StepTimer timer(toy_model(), paired_system(), *processor(), plan, Need{2, 2000, 2}, {});
  EXPECT_TRUE(timer.fits());
  const Seconds time = timer.time(step);
  verify(timer.program());
  EXPECT_LE(timer.bound(step), time);
  return time;
}

TEST(PairedProcessor, IsForOnePoolOfEachRole) {
  EXPECT_TRUE(is_paired(paired_system()));
  EXPECT_FALSE(is_paired(toy_system(2)));
}

// Each of 1000 layers: a launch and the cache of 1000 tokens of 512 B at 1 TB/s; 2 kB to the other pool in 2
// us and a latency; a launch and 2 MB of weights in 2 us; and back. A launch each before and after the
// layers, which have neither weights nor cache.
TEST(PairedProcessor, OneMicroBatchGoesBackAndForth) {
  const double layer = (10 + 0.512) + (1 + 2) + (10 + 2) + (1 + 2);
  EXPECT_NEAR(time_of(parse_plan("tp1 mode=ffn:tp1:micro1"), {{{1, 1, 1000}}, {}}).value,
              1e-6 * (10 + 1000 * layer + 10), 1e-8);  // picoseconds are rounded up
}

// Two sequences as two micro-batches: launches and latencies pass side by side, so both take hardly longer
// than one sequence alone, and less than both at once.
TEST(PairedProcessor, MicroBatchesOverlap) {
  const Step two{{{2, 1, 1000}}, {}};
  const Seconds one_alone = time_of(parse_plan("tp1 mode=ffn:tp1:micro1"), {{{1, 1, 1000}}, {}});
  const Seconds together = time_of(parse_plan("tp1 mode=ffn:tp1:micro1"), two);
  const Seconds overlapped = time_of(parse_plan("tp1 mode=ffn:tp1:micro2"), two);
  EXPECT_GE(overlapped, one_alone);
  EXPECT_LT(overlapped, together);
}

// The attention pool holds the whole model and prefills alone: one launch, 2 GB of weights at 1 TB/s.
TEST(PairedProcessor, PrefillRunsOnTheAttentionPool) {
  EXPECT_NEAR(time_of(parse_plan("tp1"), {{{1, 2, 0}}, {}}).value, 10e-6 + 2e-3, 1e-9);
}

TEST(PairedProcessor, PlacesBothPools) {
  const Placement placement =
      processor()->place(toy_model(), paired_system(), parse_plan("tp1"), Need{1, 1000, 1});
  EXPECT_TRUE(placement.fits);
  EXPECT_EQ(to_text(placement.plan), "tp1 mode=ffn:tp1:micro2");
  ASSERT_EQ(placement.memory.size(), 2u);
  EXPECT_EQ(placement.memory[0].level, "a.memory");
  EXPECT_EQ(placement.memory[1].level, "f.memory");
  EXPECT_EQ(placement.memory[1].kv, Bytes(0));

  System small = paired_system();
  small.pools[1].chip.facts["memory.capacity"].value = 1e9;
  const Placement refused = processor()->place(toy_model(), small, parse_plan("tp1"), Need{1, 1000, 1});
  EXPECT_FALSE(refused.fits);
  EXPECT_EQ(refused.refusal, "ffn pool: memory too small");
}

TEST(PairedPlan, RefusesOtherModes) {
  for (const char* mode :
       {"capacity", "ffn:tp8", "ffn:tp8:micro0", "ffn:tp8:micro2x", "ffn:micro2", "ffn::micro65"}) {
    try {
      parse_paired_plan(parse_plan(std::string("tp8 mode=") + mode));
      ADD_FAILURE() << mode;
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), HasSubstr("plan: found")) << mode;
    }
  }
  const Plan plan = parse_plan("tp8 mode=ffn:tp4:pp2:micro4");
  EXPECT_EQ(to_plan(parse_paired_plan(plan)), plan);
}

TEST(PairedProcessor, NeedsTheCrossing) {
  System system = paired_system();
  system.facts.facts.erase("crossing.latency");
  EXPECT_THROW(processor()->check(system), ConfigError);
}

}  // namespace
}  // namespace memwall
