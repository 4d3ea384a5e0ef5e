#include "memwall/processors/systolic/rtl.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "memwall/core/error.h"
#include "memwall/processors/systolic/machine.h"
#include "memwall/processors/systolic/test_support.h"

namespace memwall {
namespace {

using systolic_test::random_gemm;

void expect_refused(const RtlOptions& options, const std::string& message) {
  try {
    systolic_rtl(options);
    ADD_FAILURE() << "accepted, expected: " << message;
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(message));
  }
}

TEST(SystolicRtl, RefusesSizesThatCannotBe) {
  expect_refused({1, 8, 8, 32}, "--rows: found 1, expected a whole number from 2 to 256");
  expect_refused({8, 300, 8, 32}, "--cols: found 300");
  expect_refused({8, 8, 17, 64}, "--operand-bits: found 17");
  // 8 products of 2^14 need 16 bits and 4 more.
  expect_refused({8, 8, 8, 19}, "--sum-bits: found 19, expected a whole number from 20 to 64");
}

// Runs a command; its lines, or none when it fails.
std::vector<std::string> output_of(const std::string& command) {
  std::vector<std::string> lines;
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 1024> buffer{};
  while (pipe != nullptr && std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) {
    lines.emplace_back(buffer.data());
  }
  const bool good = pipe != nullptr && pclose(pipe) == 0;
  return good ? lines : std::vector<std::string>{};
}

constexpr std::int64_t kRows = 4, kColumns = 3, kVectors = 6, kFolds = 3;

// Step t of the machine's double-buffered schedule as the lines of a test bench: fold f is loaded from step
// f max(T, R) on, streams R steps later. Prints the bottom sums after every edge.
std::string bench_of(const MachineGemm& gemm, std::int64_t steps) {
  const std::int64_t pace = std::max(kVectors, kRows);
  std::ostringstream text;
  text << fmt::format("module bench;\n  logic clock = 0, hold, swap;\n  logic signed [{}:0][7:0] top;\n",
                      kColumns - 1)
       << fmt::format("  logic signed [{}:0][7:0] left;\n  logic signed [{}:0][31:0] bottom;\n", kRows - 1,
                      kColumns - 1)
       << "  systolic_array array(.*);\n  initial begin\n";
  // The first load begins at step 0 and the first vector enters at step R; later loads with a stream.
  const auto load_of = [&](std::int64_t f) { return f == 0 ? 0 : kRows + (f - 1) * pace; };
  const auto stream_of = [&](std::int64_t f) { return kRows + f * pace; };
  for (std::int64_t t = 0; t < steps; ++t) {
    bool hold = false, swap = false;
    std::array<int, kColumns> top{};
    std::array<int, kRows> left{};
    for (std::int64_t f = 0; f < kFolds; ++f) {
      hold = hold || t == load_of(f) + kRows - 1;
      swap = swap || t == stream_of(f);
      for (std::int64_t c = 0; c < kColumns; ++c) {
        const std::int64_t row = kRows - 1 - (t - load_of(f) - c);
        if (row >= 0 && row < kRows) {
          top[static_cast<std::size_t>(c)] =
              static_cast<int>(gemm.w[static_cast<std::size_t>((f * kRows + row) * kColumns + c)]);
        }
      }
      for (std::int64_t r = 0; r < kRows; ++r) {
        const std::int64_t vector = t - stream_of(f) - r;
        if (vector >= 0 && vector < kVectors) {
          left[static_cast<std::size_t>(r)] =
              static_cast<int>(gemm.x[static_cast<std::size_t>(vector * gemm.k + f * kRows + r)]);
        }
      }
    }
    text << fmt::format("    hold = {}; swap = {};", hold ? 1 : 0, swap ? 1 : 0);
    for (std::size_t c = 0; c < top.size(); ++c) {
      text << fmt::format(" top[{}] = 8'({});", c, top[c]);
    }
    for (std::size_t r = 0; r < left.size(); ++r) {
      text << fmt::format(" left[{}] = 8'({});", r, left[r]);
    }
    text << "\n    #1 clock = 1; #1 clock = 0;\n    $display(\"%0d";
    for (std::int64_t c = 0; c < kColumns; ++c) {
      text << " %0d";
    }
    text << "\", " << t;
    for (std::int64_t c = 0; c < kColumns; ++c) {
      text << ", $signed(bottom[" << c << "])";
    }
    text << ");\n";
  }
  text << "    $finish;\n  end\nendmodule\n";
  return text.str();
}

// The same operands through the RTL under Verilator: every sum has the machine's value in the machine's
// cycle.
TEST(SystolicRtl, VerilatorGivesTheMachinesValuesInTheMachinesCycles) {
  if (std::system("verilator --version >/dev/null 2>&1") != 0) {
    const std::string reason = "Verilator is not installed: tools/setup.sh checks";
    if (std::getenv("CI") != nullptr) {
      FAIL() << reason;
    }
    GTEST_SKIP() << reason;
  }
  std::mt19937 random(11);
  const MachineGemm gemm = random_gemm(kVectors, kColumns, kFolds * kRows, CellFormat::int8, random);
  const MachineSetup setup{kRows, kColumns, {1, 1}, true, {}, CellFormat::int8};
  const ArrayResult machine =
      run_machine(setup, {gemm}, deal_folds(setup, Dataflow::weight_stationary, {gemm}));

  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("memwall-rtl-{}", ::getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "array.sv") << systolic_rtl({kRows, kColumns, 8, 32});
  std::ofstream(folder / "bench.sv") << bench_of(gemm, machine.cycles);
  const std::string log = (folder / "log").string();
  const std::vector<std::string> lines = output_of(fmt::format(
      "cd {} && verilator --binary --timing -Wall -Wno-DECLFILENAME -Wno-STMTDLY -Wno-INITIALDLY --top bench "
      "-O0 -CFLAGS -O0 array.sv bench.sv >{} 2>&1 && obj_dir/Vbench",
      folder.string(), log));
  std::ifstream log_file(log);
  ASSERT_GE(lines.size(), static_cast<std::size_t>(machine.cycles))
      << std::string(std::istreambuf_iterator<char>(log_file), {});
  std::filesystem::remove_all(folder);

  std::vector<std::vector<std::int64_t>> bottom;  // by step
  for (std::int64_t t = 0; t < machine.cycles; ++t) {
    std::istringstream line(lines[static_cast<std::size_t>(t)]);
    std::int64_t step = 0, value = 0;
    line >> step;
    ASSERT_EQ(step, t);
    bottom.emplace_back();
    while (line >> value) {
      bottom.back().push_back(value);
    }
  }
  // Vector v of fold f leaves column c in step R + f max(T, R) + v + R - 1 + c, the last one in the last
  // step.
  std::vector<double> product(static_cast<std::size_t>(kVectors * kColumns));
  std::int64_t last = 0;
  for (std::int64_t f = 0; f < kFolds; ++f) {
    for (std::int64_t v = 0; v < kVectors; ++v) {
      for (std::int64_t c = 0; c < kColumns; ++c) {
        last = kRows + f * std::max(kVectors, kRows) + v + kRows - 1 + c;
        const std::int64_t sum = bottom[static_cast<std::size_t>(last)][static_cast<std::size_t>(c)];
        std::int64_t expected = 0;
        for (std::int64_t r = 0; r < kRows; ++r) {
          const std::int64_t p = f * kRows + r;
          expected += static_cast<std::int64_t>(gemm.x[static_cast<std::size_t>(v * gemm.k + p)]) *
                      static_cast<std::int64_t>(gemm.w[static_cast<std::size_t>(p * kColumns + c)]);
        }
        EXPECT_EQ(sum, expected) << "fold " << f << " vector " << v << " column " << c;
        product[static_cast<std::size_t>(v * kColumns + c)] += static_cast<double>(sum);
      }
    }
  }
  EXPECT_EQ(product, machine.products.front());
  EXPECT_EQ(last + 1, machine.cycles);
}

}  // namespace
}  // namespace memwall
