#include "memwall/core/unit_text.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace memwall {
namespace {

TEST(Units, DimensionsFollowArithmetic) {
  const Bytes traffic(3.35e12);
  const BytesPerSecond rate(3.35e12);
  const Seconds time = traffic / rate;
  EXPECT_DOUBLE_EQ(time.value, 1.0);
  const OpsPerSecond attainable = OpsPerByte(10) * rate;  // the roofline, checked by the compiler
  EXPECT_DOUBLE_EQ(attainable.value, 3.35e13);
  const double ratio = traffic / Bytes(6.7e12);
  EXPECT_DOUBLE_EQ(ratio, 0.5);
}

TEST(UnitText, ReadsPrefixesPowersAndRates) {
  EXPECT_DOUBLE_EQ(parse_measured_number("3.35 TB/s").value, 3.35e12);
  EXPECT_DOUBLE_EQ(parse_measured_number("40 MiB").value, 40.0 * 1024 * 1024);
  EXPECT_DOUBLE_EQ(parse_measured_number("112 Gb/s").value, 14e9);
  EXPECT_DOUBLE_EQ(parse_measured_number("409600 MAC").value, 819200);
  EXPECT_DOUBLE_EQ(parse_measured_number("989 TFLOP/s").value, 989e12);
  EXPECT_DOUBLE_EQ(parse_measured_number("2.9 USD/h").value, 2.9 / 3600);
  EXPECT_DOUBLE_EQ(parse_measured_number("5.5 pJ/B").value, 5.5e-12);
  const MeasuredNumber per_cycle = parse_measured_number("4096 op/cycle/SM");
  EXPECT_EQ(per_cycle.dimension, (Dimension{0, 0, 1, 0, 0, 0}));
  EXPECT_EQ(parse_measured_number("814 mm2").dimension, (Dimension{0, 0, 0, 0, 0, 1}));
  EXPECT_FALSE(parse_measured_number("0.9").has_unit);
}

TEST(UnitText, RefusesWhatIsNotAMeasuredNumber) {
  for (const char* text :
       {"", "fast", "3TB/s", "3 TBs", "3 GiHz", "8 Gb", "inf s", "nan s", "1e999 s", "3 /s"}) {
    EXPECT_THROW(parse_measured_number(text), std::invalid_argument) << text;
  }
}

TEST(UnitText, PrintsThreeDigits) {
  EXPECT_EQ(to_text(BytesPerSecond(3.35e12)), "3.35 TB/s");
  EXPECT_EQ(to_text(Seconds(12.44e-6)), "12.4 us");
  EXPECT_EQ(to_text(Seconds(999.96e-6)), "1.00 ms");
  EXPECT_EQ(to_text(Bytes(0)), "0 B");
  EXPECT_EQ(to_text(Watts(700)), "700 W");
}

TEST(UnitText, WhatIsPrintedReadsBack) {
  for (const double value : {1e-12, 3.5e-9, 2e-3, 1.0, 7.25e4, 9e8, 4.2e15}) {
    EXPECT_NEAR(parse_measured_number(to_text(BytesPerSecond(value))).value, value, value * 0.005);
  }
}

}  // namespace
}  // namespace memwall
