// Questions: does every card hold what its family needs, and is a bad card met at the door with one clear
// line?
#include "memwall/processors/gpu/gpu_spec.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/data_files.h"
#include "memwall/core/error.h"

namespace memwall {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string refusal_of(const System& system) {
  try {
    read_gpu_spec(system);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

Fact& fact_of(System& system, const std::string& key) { return system.pools.front().chip.facts.at(key); }

TEST(GpuSpec, EveryGpuCardIsComplete) {
  int cards = 0;
  for (const std::string& name : card_names("chips")) {
    if (read_chip(name).family != "gpu") {
      continue;
    }
    ++cards;
    SCOPED_TRACE(name);
    const GpuSpec spec = read_gpu_spec(read_system("8x" + name));
    EXPECT_LT(spec.busy, spec.tdp);
    // All matrix pipes at the rate of a cool chip want more than half of the limit, and less than twice it.
    const TensorRate& bf16 = spec.tensor[0];
    const double flat_out = spec.busy.value + bf16.peak.value * bf16.achieved * bf16.energy.value;
    EXPECT_GT(flat_out, 0.5 * spec.tdp.value);
    EXPECT_LT(flat_out, 2 * spec.tdp.value);
    EXPECT_LT(spec.voltage.supply(0.5), 1);
  }
  EXPECT_EQ(cards, 17);
}

TEST(GpuSpec, EveryEstimateHasItsValueInsideItsRange) {
  for (const std::string& name : card_names("chips")) {
    for (const auto& [key, fact] : read_chip(name).facts) {
      if (fact.low && fact.high) {
        EXPECT_LE(*fact.low, fact.value) << name << " " << key;
        EXPECT_GE(*fact.high, fact.value) << name << " " << key;
      }
    }
  }
}

// Published: bf16 operations per clock and SM (NVIDIA's whitepapers; chips and cheese for B200).
TEST(GpuSpec, ClockReproducesTheMatrixRatePerSm) {
  for (const auto& [name, per_clock] : std::vector<std::pair<std::string, double>>{
           {"a100", 2048}, {"h100", 4096}, {"b200", 8192}, {"mi300x", 2048}, {"mi355x", 4096}}) {
    const GpuSpec spec = read_gpu_spec(read_system("1x" + name));
    EXPECT_NEAR(spec.tensor[0].peak.value / spec.sms / spec.clock.value, per_clock, 0.01 * per_clock) << name;
  }
}

TEST(GpuSpec, BoxFactsOverrideThoseOfTheChip) {
  System system = read_system("8xh100");
  Fact slower = fact_of(system, "scale_up.bandwidth");
  slower.value = 200e9;
  system.facts.facts["scale_up.bandwidth"] = slower;
  EXPECT_EQ(read_gpu_spec(system).scale_up.bandwidth.value, 200e9);
}

TEST(GpuSpec, RefusesAMissingFact) {
  System system = read_system("1xh100");
  system.pools.front().chip.facts.erase("hbm.bandwidth");
  EXPECT_THAT(refusal_of(system), AllOf(HasSubstr("h100.yaml"), HasSubstr("hbm.bandwidth")));
}

TEST(GpuSpec, RefusesAnUnknownFact) {
  System system = read_system("1xh100");
  Fact typo = fact_of(system, "hbm.bandwidth");
  typo.key = "hbm.bandwith";
  system.pools.front().chip.facts["hbm.bandwith"] = typo;
  EXPECT_THAT(refusal_of(system), AllOf(HasSubstr("hbm.bandwith"), HasSubstr("hbm.bandwidth")));
}

TEST(GpuSpec, EveryBoxIsAccepted) {
  for (const std::string& name : card_names("systems")) {
    const System system = read_system(name);
    if (system.chip().family == "gpu" && system.pools.size() == 1) {
      EXPECT_EQ(refusal_of(system), "") << name;
    }
  }
}

TEST(GpuSpec, RefusesWrongDimensionsAndImpossibleValues) {
  const auto with = [](const std::string& key, double value) {
    System system = read_system("1xh100");
    system.pools.front().chip = system.chip().without_calibration();
    fact_of(system, key).value = value;
    return refusal_of(system);
  };
  EXPECT_THAT(with("hbm.achieved.read", 1.2), HasSubstr("a share of the peak, at most 1"));
  EXPECT_THAT(with("sm.count", 131.5), HasSubstr("a whole number"));
  EXPECT_THAT(with("memory.reserve", 100e9), HasSubstr("less than hbm.capacity"));
  EXPECT_THAT(with("power.busy", 900), HasSubstr("less than power.tdp"));
  EXPECT_THAT(with("power.idle", 500), HasSubstr("less than power.busy"));
  EXPECT_THAT(with("power.links", 600), HasSubstr("less than power.tdp beside power.idle"));
  EXPECT_THAT(with("supply.lowest", 0.2), HasSubstr("less than supply.lowest"));
  EXPECT_THAT(with("hbm.bandwidth", 0), HasSubstr("a positive value"));

  System system = read_system("1xh100");
  fact_of(system, "hbm.bandwidth").dimension = dimension_of(Bytes{});
  EXPECT_THAT(refusal_of(system), AllOf(HasSubstr("hbm.bandwidth"), HasSubstr("a rate such as")));
}

TEST(GpuSpec, RefusesTwoKindsOfChips) {
  System system = read_system("1xh100");
  system.pools.push_back(read_system("1xa100").pools.front());
  EXPECT_THAT(refusal_of(system), AllOf(HasSubstr("pools"), HasSubstr("one kind of chip, h100")));
}

TEST(GpuSpec, ScaleOutIsNeededOnlyBeyondADomain) {
  System system = read_system("8xh100");
  system.pools.front().chip.facts.erase("scale_out.bandwidth");
  EXPECT_EQ(refusal_of(system), "");
  system.pools.front().count = 16;
  EXPECT_THAT(refusal_of(system), HasSubstr("scale_out.bandwidth"));
}

TEST(GpuSpec, FormatsThatAChipLacksAreNamed) {
  const GpuSpec a100 = read_gpu_spec(read_system("1xa100"));
  EXPECT_EQ(format_refusal(a100, Format::bf16, Format::bf16), "");
  EXPECT_EQ(format_refusal(a100, Format::int4, Format::bf16), "");  // weight-only: unpacked to bf16
  EXPECT_EQ(format_refusal(a100, Format::int8, Format::int8), "");
  EXPECT_EQ(format_refusal(a100, Format::fp8, Format::fp8), "NVIDIA A100 SXM 80 GB has no fp8 arithmetic");
  EXPECT_EQ(format_refusal(a100, Format::nvfp4, Format::nvfp4),
            "NVIDIA A100 SXM 80 GB has no nvfp4 arithmetic");

  System system = read_system("1xh100");
  system.pools.front().chip.facts.erase("tensor.int8");
  const GpuSpec no_int8 = read_gpu_spec(system);
  EXPECT_EQ(format_refusal(no_int8, Format::int8, Format::int8),
            "NVIDIA H100 SXM 80 GB has no int8 arithmetic");
}

}  // namespace
}  // namespace memwall
