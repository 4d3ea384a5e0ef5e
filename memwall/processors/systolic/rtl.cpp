#include "memwall/processors/systolic/rtl.h"

#include <bit>

#include <fmt/format.h>

#include "memwall/core/error.h"

namespace memwall {
namespace {

void require(const char* option, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value < least || value > most) {
    throw ConfigError(option, std::to_string(value),
                      fmt::format("a whole number from {} to {}", least, most));
  }
}

// The cell: three weight registers, one for the operand that passes, one for the sum.
constexpr const char* kCell = R"(
module systolic_cell #(parameter WIDTH = 8, parameter SUM = 32) (
    input  logic                    clock,
    input  logic signed [WIDTH-1:0] chain_in,
    input  logic                    hold,
    input  logic signed [WIDTH-1:0] left,
    input  logic                    swap_in,
    input  logic signed [SUM-1:0]   sum_in,
    output logic signed [WIDTH-1:0] chain,
    output logic signed [WIDTH-1:0] right,
    output logic                    swap,
    output logic signed [SUM-1:0]   sum
);
  logic signed [WIDTH-1:0] held, active, weight;
  assign weight = swap_in ? held : active;
  always_ff @(posedge clock) begin
    chain  <= chain_in;
    right  <= left;
    swap   <= swap_in;
    active <= weight;
    sum    <= sum_in + SUM'(left * weight);
    if (hold) held <= chain_in;
  end
endmodule
)";

// For fmt: its own braces are doubled.
constexpr const char* kArray = R"(
module systolic_array (
    input  logic                            clock,
    input  logic                            hold,
    input  logic                            swap,
    input  logic signed [{columns}-1:0][{width}-1:0] top,
    input  logic signed [{rows}-1:0][{width}-1:0] left,
    output logic signed [{columns}-1:0][{sum}-1:0] bottom
);
  localparam ROWS = {rows}, COLUMNS = {columns}, WIDTH = {width}, SUM = {sum};
  logic signed [WIDTH-1:0] chain[ROWS+1][COLUMNS];
  logic signed [WIDTH-1:0] pass[ROWS][COLUMNS+1];
  logic signed [SUM-1:0]   sums[ROWS+1][COLUMNS];
  logic                    wave[ROWS][COLUMNS+1];
  logic [COLUMNS-1:0]      holds;
  logic [ROWS-1:0]         swaps;

  // hold of column c and swap of row r: the pulse, later by a column or a row.
  logic [COLUMNS-2:0]      later_holds;
  logic [ROWS-2:0]         later_swaps;
  assign holds = {{later_holds, hold}};
  assign swaps = {{later_swaps, swap}};
  always_ff @(posedge clock) begin
    later_holds <= holds[COLUMNS-2:0];
    later_swaps <= swaps[ROWS-2:0];
  end

  genvar r, c;
  generate
    for (c = 0; c < COLUMNS; c++) begin : g_edge_columns
      assign chain[0][c] = top[c];
      assign sums[0][c] = '0;
      assign bottom[c] = sums[ROWS][c];
    end
    for (r = 0; r < ROWS; r++) begin : g_rows
      assign pass[r][0] = left[r];
      assign wave[r][0] = swaps[r];
      for (c = 0; c < COLUMNS; c++) begin : g_columns
        systolic_cell #(.WIDTH(WIDTH), .SUM(SUM)) cell_ (
            .clock(clock), .chain_in(chain[r][c]), .hold(holds[c]), .left(pass[r][c]), .swap_in(wave[r][c]),
            .sum_in(sums[r][c]), .chain(chain[r+1][c]), .right(pass[r][c+1]), .swap(wave[r][c+1]),
            .sum(sums[r+1][c]));
      end
    end
  endgenerate
endmodule
)";

}  // namespace

std::string systolic_rtl(const RtlOptions& options) {
  constexpr std::int64_t kMostCells = 256, kMostOperand = 16, kMostSum = 64;
  require("--rows", options.rows, 2, kMostCells);
  require("--cols", options.columns, 2, kMostCells);
  require("--operand-bits", options.operand_bits, 2, kMostOperand);
  // A column adds `rows` products, the largest of which is the square of the most negative operand.
  const auto carries = static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(options.rows)));
  require("--sum-bits", options.sum_bits, 2 * options.operand_bits + carries, kMostSum);
  std::string text = fmt::format(
      "// {} x {} weight-stationary systolic array, {}-bit operands, {}-bit sums. Written by memwall rtl.\n",
      options.rows, options.columns, options.operand_bits, options.sum_bits);
  text += kCell;
  text +=
      fmt::format(fmt::runtime(kArray), fmt::arg("rows", options.rows), fmt::arg("columns", options.columns),
                  fmt::arg("width", options.operand_bits), fmt::arg("sum", options.sum_bits));
  return text;
}

}  // namespace memwall
