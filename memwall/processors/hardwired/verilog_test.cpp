// The SystemVerilog of neurons against the machine: Verilator runs it, Yosys counts what it is made of. Both
// are optional tools: without one its test says so and is skipped, but fails under CI=true.
#include "memwall/processors/hardwired/verilog.h"

#include <cstdlib>
#include <map>
#include <regex>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "memwall/core/config_reader.h"
#include "memwall/core/output_file.h"
#include "memwall/processors/hardwired/digits.h"
#include "memwall/processors/hardwired/machine.h"
#include "memwall/tensor/coded_rows.h"

namespace memwall {
namespace {

constexpr int kBits = 8, kInputs = 50, kOutputs = 3;

// Weights of all values; the last neuron has few wires.
CodedWeights some_weights() {
  CodedWeights weights{kInputs, kOutputs, {}, {}};
  for (const std::int8_t value : doubled_e2m1()) {
    weights.alphabet.push_back(value);
  }
  const std::size_t zero = 7;
  for (int i = 0; i < kInputs * kOutputs; ++i) {
    const bool few = i >= kInputs * 2 && i % 10 != 0;
    weights.codes.push_back(
        static_cast<std::uint8_t>(few ? zero : static_cast<std::size_t>(i * i + i / 7) % 15));
  }
  return weights;
}

// A folder of its own that goes away with its contents.
class Workshop {
 public:
  Workshop() : folder_(std::filesystem::temp_directory_path() / ("neurons-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~Workshop() { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) const {
    write_whole_file(folder_ / name, text);
  }
  // What the command prints; fails the test if it fails.
  std::string run(const std::string& command) const {
    const std::string line = fmt::format("cd {} && ({}) >out.txt 2>&1", folder_.string(), command);
    const int status = std::system(line.c_str());
    std::string output = read_text_file(folder_ / "out.txt");
    EXPECT_EQ(status, 0) << command << "\n" << output;
    return output;
  }

 private:
  std::filesystem::path folder_;
};

bool is_installed(const std::string& tool) {
  return std::system(("command -v " + tool + " >/dev/null 2>&1").c_str()) == 0;
}
#define MEMWALL_NEEDS(tool)                                                 \
  if (!is_installed(tool)) {                                                \
    const char* ci = std::getenv("CI");                                     \
    ASSERT_FALSE(ci != nullptr && std::string(ci) == "true") << "no " tool; \
    GTEST_SKIP() << tool " is not installed";                               \
  }

// Drives the vectors one after another without a pause and prints the outputs of each.
std::string driver(const std::vector<std::vector<std::int32_t>>& vectors, std::int64_t cycles) {
  std::string rows;
  for (const std::vector<std::int32_t>& vector : vectors) {
    rows += fmt::format("{{{}}},\n", fmt::join(vector, ","));
  }
  return fmt::format(R"(#include <cstdio>
#include <Vneurons.h>
static const int vectors[{0}][{1}] = {{{2}}};
int main() {{
  Vneurons top;
  for (const auto& vector : vectors) {{
    for (int cycle = 0; cycle < {3}; ++cycle) {{
      unsigned long long x = 0;
      for (int i = 0; i < {1}; ++i) {{ x |= (unsigned long long)((vector[i] >> (cycle < {4} ? cycle : 0)) & 1) << i; }}
      top.x = x; top.first = cycle == 0; top.last = cycle == {4} - 1;
      top.clock = 0; top.eval(); top.clock = 1; top.eval();
    }}
    std::printf("%llu %llu %llu\n", (unsigned long long)top.y0, (unsigned long long)top.y1, (unsigned long long)top.y2);
  }}
}}
)",
                     vectors.size(), kInputs, rows, cycles, kBits);
}

std::vector<int> output_widths(const std::string& verilog) {
  static const std::regex kPort(R"(output reg signed \[(\d+):0\])");
  std::vector<int> widths;
  for (std::sregex_iterator match(verilog.begin(), verilog.end(), kPort), end; match != end; ++match) {
    widths.push_back(std::stoi((*match)[1]) + 1);
  }
  return widths;
}

TEST(Verilog, VerilatorComputesWhatTheMachineDoes) {
  MEMWALL_NEEDS("verilator");
  const CodedWeights weights = some_weights();
  const auto machine = make_neuron_machine(weights);
  std::vector<std::vector<std::int32_t>> vectors(6, std::vector<std::int32_t>(kInputs));
  for (std::size_t v = 0; v < vectors.size(); ++v) {
    for (std::size_t i = 0; i < kInputs; ++i) {
      const auto mixed = static_cast<std::int32_t>((v * 31 + i * i * 17 + i) % 256) - 128;
      vectors[v][i] = v == 0 ? -128 : v == 1 ? 127 : mixed;  // both ends of the range first
    }
  }
  const std::string verilog = neuron_verilog(weights, kBits, "neurons", "a test");
  const Workshop workshop;
  workshop.write("neurons.sv", verilog);
  workshop.write("main.cpp", driver(vectors, machine->cycles(kBits)));
  workshop.run(
      "export OBJCACHE=$(command -v ccache); verilator --cc --exe --build -O0 -CFLAGS -O0 -Wno-WIDTH "
      "neurons.sv main.cpp --top-module neurons");
  std::istringstream outputs(workshop.run("obj_dir/Vneurons"));
  const std::vector<int> widths = output_widths(verilog);
  ASSERT_EQ(widths.size(), static_cast<std::size_t>(kOutputs));
  for (const std::vector<std::int32_t>& vector : vectors) {
    std::vector<std::int64_t> found;
    for (const int width : widths) {
      std::uint64_t raw = 0;
      outputs >> raw;
      found.push_back(static_cast<std::int64_t>(raw << (64 - width)) >> (64 - width));
    }
    EXPECT_EQ(found, machine->run(vector, kBits).outputs);
  }
}

// The adder instances are those of the closed form, region by region; registers are at most those of parts(),
// and the four of the control.
TEST(Verilog, YosysCountsTheMachinesParts) {
  MEMWALL_NEEDS("yosys");
  const CodedWeights weights = some_weights();
  std::int64_t counters = 0;
  for (int output = 0; output < kOutputs; ++output) {
    std::vector<std::int64_t> counts(weights.alphabet.size(), 0);
    for (int input = 0; input < kInputs; ++input) {
      ++counts[weights.codes[static_cast<std::size_t>(output * kInputs + input)]];
    }
    for (std::size_t code = 0; code < counts.size(); ++code) {
      counters += weights.alphabet[code] == 0 ? 0 : counter_adders(counts[code]);
    }
  }
  const Workshop workshop;
  workshop.write("neurons.sv", neuron_verilog(weights, kBits, "neurons", "a test"));
  const std::string report = workshop.run(
      "yosys -p 'read_verilog -sv neurons.sv; hierarchy -top neurons; synth -top neurons; stat -top "
      "neurons'");
  const std::string last = report.substr(report.rfind("=== neurons ==="));
  std::map<std::string, std::int64_t> cells;
  static const std::regex kCell(R"(\n +(\S+) +(\d+)(?=\n))");
  const std::string own = last.substr(0, last.find("=== design hierarchy"));
  for (std::sregex_iterator match(own.begin(), own.end(), kCell), end; match != end; ++match) {
    cells[(*match)[1]] += std::stoll((*match)[2]);
  }
  EXPECT_EQ(cells["full_adder"] + cells["half_adder"], counters) << own;
  std::int64_t registers = 0;
  for (const auto& [cell, count] : cells) {
    registers += cell.find("DFF") != std::string::npos ? count : 0;
  }
  constexpr std::int64_t kControl = 4;
  EXPECT_LE(registers, make_neuron_machine(weights)->parts(kBits).register_bits + kControl) << own;
  EXPECT_GT(registers, 0) << own;
}

}  // namespace
}  // namespace memwall
