#include "memwall/processors/wafer/card.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/processors/wafer/test_support.h"
#include "tests/support/edited_card.h"

namespace memwall {
namespace {

using testing::HasSubstr;
using wafer_test::card_of;

void expect_refused(const System& system, const std::string& message) {
  try {
    read_wafer_card(system);
    ADD_FAILURE() << "accepted, expected: " << message;
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr(message));
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  }
}

// Vendor's totals from the parts, within what printed bandwidths, clock and core counts disagree by
// themselves.
TEST(WaferCards, PartsAgreeWithTheVendorsTotals) {
  for (const std::string name : {"wse-2", "wse-3"}) {
    const Chip chip = read_chip(name);
    const WaferCard card = card_of("1x" + name);
    const double cores = chip.get<Ratio>("published.cores").value, clock = card.clock.value;
    EXPECT_NEAR(cores * card.sram.value / chip.get<Bytes>("published.sram").value, 1, 0.05) << name;
    EXPECT_NEAR(cores * card.port.value * clock / chip.get<BytesPerSecond>("published.sram_bandwidth").value,
                1, 0.15)
        << name;
    EXPECT_NEAR(2 * cores * card.simd * clock / chip.get<OpsPerSecond>("published.fp16").value, 1, 0.01)
        << name;
    // The SDK's mesh is smaller than the marketed number of cores: by 12 % on WSE-2, 2 % on WSE-3.
    EXPECT_LT(static_cast<double>(card.cores()), cores);
    EXPECT_GT(static_cast<double>(card.cores()), 0.87 * cores);
  }
}

TEST(WaferCards, BanksHoldTheMemory) {
  const WaferCard card = card_of("cs-3");
  EXPECT_EQ(card.sram.value, card.banks * 6144);
  EXPECT_EQ(card.values_per_wavelet(), 2);
}

TEST(WaferCards, FittedConstantsNameTheirData) {
  const Chip chip = read_chip("wse-2");
  for (const std::string& key : chip.below("calibration.core")) {
    EXPECT_FALSE(chip.fact("calibration.core." + key).fitted.empty()) << key;
  }
  // On WSE-3 the same numbers are estimates: nothing was measured there.
  const Chip other = read_chip("wse-3");
  for (const std::string key : {"core.operation_cycles", "core.repeat_cycles"}) {
    EXPECT_EQ(other.get<Ratio>(key).value, chip.get<Ratio>(key).value);
    EXPECT_TRUE(other.fact(key).is_estimate() && other.fact(key).low.has_value()) << key;
  }
}

TEST(WaferCards, RefusesContradictions) {
  expect_refused(edited_system("1xwse-3", "banks: {value: 8", "banks: {value: 7"),
                 "core.banks: found '7', expected a number of banks that divides core.sram, 49152 bytes");
  expect_refused(edited_system("1xwse-3", "sram: {value: 48 KiB", "sram: {value: 2.5 KiB"),
                 "core.reserved: found '3 KiB', expected less than core.sram");
  expect_refused(edited_system("1xwse-3", "wavelet: {value: 4 B", "wavelet: {value: 3 B"),
                 "router.wavelet: found '3 B', expected a whole number of values of core.value");
  expect_refused(edited_system("1xwse-3", "ramp_cycles: {value: 2 cycles", "ramp_cycles: {value: 6 cycles"),
                 "router.queue_depth: found '4', expected at most 8 with router.ramp_cycles");
  expect_refused(edited_system("1xwse-3", "idle: {value: 18.4 kW", "idle: {value: 40 kW"),
                 "power.idle: found '40 kW', expected at most power.tdp, 23.0 kW");
  expect_refused(edited_system("1xwse-3", "colors: {value: 24", "colors: {value: 24.5"),
                 "router.colors: found '24.5', expected a whole number from 1 to 32");
  expect_refused(edited_system("1xwse-3", "rows: {value: 1170", "rows: {value: 1"), "mesh.rows: found '1'");
  expect_refused(edited_system("1xwse-3", "clock: {value: 1.08 GHz", "clok: {value: 1.08 GHz"), "clok");
}

TEST(WaferSystems, RefusesPoolsWithRoles) {
  System system = read_system("cs-3");
  system.pools.front().role = PoolRole::decode;
  try {
    make_wafer()->check(system);
    ADD_FAILURE();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("expected one pool with the role 'everything'"));
  }
}

}  // namespace
}  // namespace memwall
