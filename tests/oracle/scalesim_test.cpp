// Cycles of the systolic array against SCALE-Sim v3, which is installed by tools/oracle-venv.sh.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "memwall/processors/systolic/array_cycles.h"
#include "memwall/processors/systolic/machine.h"

namespace memwall {
namespace {

struct OracleRun {
  std::int64_t rows = 1, columns = 1;
  std::string flow;
  ProductShape gemm;
};

std::string to_text(const OracleRun& run) {
  std::ostringstream text;
  text << run.rows << ',' << run.columns << ',' << run.flow << ',' << run.gemm.m << ',' << run.gemm.n << ','
       << run.gemm.k;
  return text.str();
}

Dataflow dataflow(const std::string& flow) {
  return flow == "ws"   ? Dataflow::weight_stationary
         : flow == "is" ? Dataflow::input_stationary
                        : Dataflow::output_stationary;
}

std::vector<std::string> output_of(const std::string& command) {
  std::vector<std::string> lines;
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 256> buffer{};
  while (pipe != nullptr && std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) {
    lines.emplace_back(buffer.data());
  }
  if (pipe != nullptr) {
    pclose(pipe);
  }
  return lines;
}

// Random shapes on random arrays: SCALE-Sim, which counts from zero, the closed form and the machine agree.
TEST(ScaleSim, CountsTheSameCycles) {
  const std::filesystem::path root = MEMWALL_SOURCE_DIR;
  const std::filesystem::path python = root / "build/oracle-venv/bin/python";
  if (!std::filesystem::exists(python)) {
    const std::string reason = "SCALE-Sim is not installed: run tools/oracle-venv.sh";
    if (std::getenv("CI") != nullptr) {
      FAIL() << reason;
    }
    GTEST_SKIP() << reason;
  }
  std::mt19937 random(2026);
  const auto drawn = [&](int low, int high) {
    return static_cast<std::int64_t>(low +
                                     static_cast<int>(random() % static_cast<unsigned>(high - low + 1)));
  };
  std::vector<OracleRun> runs;
  std::string command = python.string() + " " + (root / "tests/oracle/scalesim_cycles.py").string();
  for (int i = 0; i < 300; ++i) {
    const std::array<std::string, 3> flows = {"ws", "is", "os"};
    // SCALE-Sim does not take arrays or operands of a single row or column.
    runs.push_back({drawn(2, 24),
                    drawn(2, 24),
                    flows[static_cast<std::size_t>(i % 3)],
                    {drawn(2, 40), drawn(2, 40), drawn(2, 40)}});
    command += " " + to_text(runs.back());
  }
  const std::vector<std::string> lines = output_of(command);
  ASSERT_EQ(lines.size(), runs.size()) << (lines.empty() ? "no output" : lines.back());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const OracleRun& run = runs[i];
    const std::string text = to_text(run);
    ASSERT_EQ(lines[i].rfind(text, 0), 0U) << lines[i];
    long reported = 0, stalls = 0;
    ASSERT_EQ(std::sscanf(lines[i].c_str() + text.size(), ",%ld,%ld", &reported, &stalls), 2) << lines[i];
    ASSERT_EQ(stalls, 0) << text;
    const ProductShape& gemm = run.gemm;
    const ArrayShape array{run.rows, run.columns, 1, false, {}};
    const double form = gemm_cycles(array, {}, dataflow(run.flow), gemm).cycles;
    EXPECT_EQ(form, static_cast<double>(reported + 1)) << text;

    const MachineSetup setup{run.rows, run.columns, {1, 1}, false, {}, CellFormat::int8};
    const std::vector<MachineGemm> gemms = {
        {gemm.m, gemm.n, gemm.k, std::vector<float>(static_cast<std::size_t>(gemm.m * gemm.k), 1),
         std::vector<float>(static_cast<std::size_t>(gemm.k * gemm.n), 1)}};
    EXPECT_EQ(run_machine(setup, gemms, deal_folds(setup, dataflow(run.flow), gemms)).cycles, reported + 1)
        << text;
  }
}

}  // namespace
}  // namespace memwall
