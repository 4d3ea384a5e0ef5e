#include "memwall/processors/hardwired/verilog.h"

#include <deque>
#include <iterator>
#include <vector>

#include <fmt/format.h>

#include "memwall/processors/hardwired/digits.h"

namespace memwall {
namespace {

constexpr const char* kAdders = R"(
module full_adder(input wire a, b, c, output wire sum, carry);
  assign sum = a ^ b ^ c;
  assign carry = (a & b) | (a & c) | (b & c);
endmodule

module half_adder(input wire a, b, output wire sum, carry);
  assign sum = a ^ b;
  assign carry = a & b;
endmodule
)";

struct Region {
  std::int32_t value = 0;
  std::vector<int> inputs;
};

std::vector<Region> regions_of(const CodedWeights& weights, int output) {
  std::vector<Region> regions;
  for (const std::int32_t value : weights.alphabet) {
    regions.push_back({value, {}});
  }
  for (int input = 0; input < weights.inputs; ++input) {
    const std::size_t at = static_cast<std::size_t>(output) * static_cast<std::size_t>(weights.inputs);
    regions[weights.codes[at + static_cast<std::size_t>(input)]].inputs.push_back(input);
  }
  std::erase_if(regions, [](const Region& region) { return region.value == 0 || region.inputs.empty(); });
  return regions;
}

// One neuron's text: `name` is its prefix.
class NeuronWriter {
 public:
  NeuronWriter(std::string& text, std::string name, int bits)
      : text_(text), name_(std::move(name)), bits_(bits) {}

  // Registers y_bits wide; returns that width.
  int write(const std::vector<Region>& regions) {
    std::int64_t magnitude = 0;
    std::string sum;
    for (const Region& region : regions) {
      const std::string name =
          fmt::format("{}_{}{}", name_, region.value < 0 ? "m" : "p", std::abs(region.value));
      const int count_bits = bits_of(static_cast<std::int64_t>(region.inputs.size()));
      const int product_bits = count_bits + bits_of(region.value);
      write_counter(name, region.inputs, count_bits);
      print("  reg [{}:0] {}_product;\n", product_bits - 1, name);
      print("  always @(posedge clock) {0}_product <= {0}_count * {1}'d{2};\n", name, product_bits,
            std::abs(region.value));
      sum += fmt::format(" {} $signed({{1'b0, {}_product}})", region.value < 0 ? "-" : "+", name);
      magnitude += static_cast<std::int64_t>(region.inputs.size()) * std::abs(region.value);
    }
    const int step_bits = bits_of(magnitude) + 1, result_bits = step_bits + bits_;
    print("  wire signed [{}:0] {}_step ={};\n", step_bits - 1, name_, sum.empty() ? " 0" : sum);
    // A bit later is worth twice as much: what has been added so far moves down a place.
    print("  wire signed [{}:0] {}_placed = {}_step;\n", result_bits - 1, name_, name_);
    print("  wire signed [{}:0] {}_held = first2 ? 0 : {} >>> 1;\n", result_bits - 1, name_, name_);
    print(
        "  always @(posedge clock)\n    {0} <= {0}_held + ((last2 ? -{0}_placed : {0}_placed) <<< {1});\n\n",
        name_, bits_ - 1);
    return result_bits;
  }

 private:
  template <class... Arguments>
  void print(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
  }

  // Place by place: three bits of a place become one there and a carry, and two at the end.
  void write_counter(const std::string& name, const std::vector<int>& inputs, int count_bits) {
    print("  reg [{}:0] {}_count;\n", count_bits - 1, name);
    std::deque<std::string> place;
    for (const int input : inputs) {
      place.push_back(fmt::format("x[{}]", input));
    }
    std::string count;  // highest place first
    int adders = 0;
    while (!place.empty()) {
      std::deque<std::string> carries;
      while (place.size() > 1) {
        const bool full = place.size() > 2;
        const std::string adder = fmt::format("{}_{}", name, adders++);
        std::vector<std::string> terms(place.begin(), place.begin() + (full ? 3 : 2));
        place.erase(place.begin(), place.begin() + (full ? 3 : 2));
        print("  wire {0}_s, {0}_c;\n", adder);
        print("  {0}_adder {1}(.a({2}), .b({3}),{4} .sum({1}_s), .carry({1}_c));\n", full ? "full" : "half",
              adder, terms[0], terms[1], full ? fmt::format(" .c({}),", terms[2]) : "");
        place.push_back(adder + "_s");
        carries.push_back(adder + "_c");
      }
      count = count.empty() ? place.front() : place.front() + ", " + count;
      place = std::move(carries);
    }
    print("  always @(posedge clock) {}_count <= {{{}}};\n", name, count);
  }

  std::string& text_;
  std::string name_;
  int bits_;
};

}  // namespace

std::string neuron_verilog(const CodedWeights& weights, int bits, const std::string& module,
                           const std::string& title) {
  std::string body, ports;
  for (int output = 0; output < weights.outputs; ++output) {
    const std::string name = fmt::format("y{}", output);
    const int result_bits = NeuronWriter(body, name, bits).write(regions_of(weights, output));
    ports += fmt::format(",\n  output reg signed [{}:0] {}", result_bits - 1, name);
  }
  return fmt::format(
      "// Hardwired neurons: {}.\n"
      "// x: one bit of each of {} inputs, lowest first, {} bits; 'first' and 'last' mark the first and the "
      "sign bit.\n"
      "module {}(\n  input wire clock, first, last,\n  input wire [{}:0] x{}\n);\n"
      "  reg first1, first2, last1, last2;\n"
      "  always @(posedge clock) begin\n"
      "    first1 <= first; first2 <= first1; last1 <= last; last2 <= last1;\n  end\n\n{}endmodule\n{}",
      title, weights.inputs, bits, module, weights.inputs - 1, ports, body, kAdders);
}

}  // namespace memwall
