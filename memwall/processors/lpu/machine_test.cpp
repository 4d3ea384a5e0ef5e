// What a hand-made schedule does, and what each kind of conflict in it is called.
#include "memwall/processors/lpu/machine.h"

#include <bit>

#include <gtest/gtest.h>

#include "memwall/processors/lpu/array_kernel.h"
#include "memwall/processors/lpu/test_support.h"
#include "memwall/tensor/small_float.h"

namespace memwall {
namespace {

using lpu_test::small_geometry;

constexpr StreamDirection kEast = StreamDirection::east, kWest = StreamDirection::west;

// A vector is read from slice 2, flows west to the VXM, is doubled there, flows east and is written to
// slice 3.
class HandMade {
 public:
  HandMade() {
    s.geometry = small_geometry();
    std::vector<std::uint8_t> bytes;
    for (int lane = 0; lane < s.geometry.lanes(); ++lane) {
      bytes.push_back(static_cast<std::uint8_t>(lane - 10));
    }
    s.image.push_back({{0, Hemisphere::east, 2, 0, 7}, bytes});
    // Read delay 5, one slice per cycle, ALU delay 4.
    add(read(0, 2, 0, 7, {kWest, 3, 1}));
    LpuInstruction& alu = add({});
    alu.cycle = 7;
    alu.opcode = LpuOpcode::alu;
    alu.alu_op = AluOp::add;
    alu.a = {AluInput::Kind::streams, LaneType::int8, false, {kWest, 3, 1}, 0, 0};
    alu.b = alu.a;
    alu.type = LaneType::int8;
    alu.out = {kEast, 0, 1};
    add(write(14, 3, 1, 9, {kEast, 0, 1}));
  }
  LpuInstruction read(std::int64_t cycle, int slice, int bank, int row, StreamRange out) {
    LpuInstruction i = write(cycle, slice, bank, row, {});
    i.opcode = LpuOpcode::read;
    i.out = out;
    return i;
  }
  LpuInstruction write(std::int64_t cycle, int slice, int bank, int row, StreamRange in) {
    LpuInstruction i;
    i.cycle = cycle;
    i.opcode = LpuOpcode::write;
    i.unit = static_cast<std::int16_t>(slice);
    i.bank = static_cast<std::int16_t>(bank);
    i.row = row;
    i.in = in;
    return i;
  }
  LpuInstruction& add(const LpuInstruction& i) { return s.instructions.emplace_back(i); }
  std::string error(bool tile_by_tile = false) {
    sort_instructions(s);
    LpuMachineOptions options;
    options.tile_by_tile = tile_by_tile;
    LpuMachine machine(s, options);
    const LpuRun run = machine.run();
    return run.error ? to_text(*run.error) : "";
  }
  LpuSchedule s;
};

TEST(LpuMachine, ExactArrivalDoublesAVector) {
  HandMade hand;
  for (const bool tiles : {false, true}) {
    LpuMachineOptions options;
    options.tile_by_tile = tiles;
    sort_instructions(hand.s);
    LpuMachine machine(hand.s, options);
    const LpuRun run = machine.run();
    ASSERT_FALSE(run.error) << to_text(*run.error);
    EXPECT_EQ(run.cycles, 14 + 5);  // the write's delay
    const std::vector<std::uint8_t> bytes = machine.memory({0, Hemisphere::east, 3, 1, 9});
    for (int lane = 0; lane < hand.s.geometry.lanes(); ++lane) {
      EXPECT_EQ(static_cast<std::int8_t>(bytes[static_cast<std::size_t>(lane)]), 2 * (lane - 10));
    }
  }
}

// Each conflict is one line with cycle, chip, slice, instruction and reason, in both ways to run.
TEST(LpuMachine, ConflictsAreErrorsNotStalls) {
  const auto expect = [](HandMade hand, const std::string& message) {
    EXPECT_EQ(hand.error(false), message);
    EXPECT_EQ(hand.error(true), message);
  };
  HandMade late;
  late.s.instructions[1].cycle = 8;
  expect(late, "cycle 8, chip 0, VXM 0, 'add W3:int8 W3:int8 -> E0:int8': nothing on W3");

  HandMade second;  // its value reaches the VXM with the other one's
  second.add(second.read(1, 1, 0, 0, {kWest, 3, 1}));
  expect(second, "cycle 6, chip 0, MEM_E1, 'read b0 r0 -> W3': second writer of W3");

  HandMade bank;
  bank.add(bank.read(0, 2, 0, 8, {kWest, 4, 1}));
  expect(
      bank,
      "cycle 0, chip 0, MEM_E2, 'read b0 r8 -> W4': bank 0 is taken by 'read b0 r7 -> W3' in the same cycle");

  HandMade queue;
  queue.add(queue.s.instructions[1]);
  expect(queue,
         "cycle 7, chip 0, VXM 0, 'add W3:int8 W3:int8 -> E0:int8': its queue dispatches 'add W3:int8 "
         "W3:int8 -> "
         "E0:int8' in the same cycle");

  HandMade result;
  LpuInstruction& follower = result.add(result.s.instructions[1]);
  follower.unit = 1;
  follower.cycle = 12;
  follower.a = {AluInput::Kind::result, LaneType::fp32, false, {}, 0, 0};
  follower.b = {};
  follower.alu_op = AluOp::copy;
  expect(result, "cycle 12, chip 0, VXM 1, 'copy alu0 -> E0:int8': no result of ALU 0");
}

TEST(LpuMachine, UnitsOutOfTurnAreErrors) {
  const auto matrix = [](LpuOpcode opcode, std::int64_t cycle) {
    LpuInstruction i;
    i.cycle = cycle;
    i.opcode = opcode;
    i.type = LaneType::int8;
    i.in = opcode == LpuOpcode::pass ? StreamRange{kEast, 0, 1} : StreamRange{};
    return i;
  };
  HandMade empty;
  empty.add(matrix(LpuOpcode::install, 3));
  EXPECT_EQ(empty.error(), "cycle 3, chip 0, MXM_E0 install, 'install': the second buffer is empty");
  HandMade sum;
  sum.add(matrix(LpuOpcode::accumulate, 3));
  EXPECT_EQ(sum.error(), "cycle 3, chip 0, MXM_E0 accumulate, 'set a0': no result of the array");
}

// Fields that no chip of this shape could dispatch, as an editing hand may write them.
TEST(LpuMachine, FieldsOutOfRangeAreErrors) {
  const auto expect = [](const std::string& what, const auto& edit) {
    HandMade hand;
    edit(hand.s.instructions[0]);
    const std::string error = hand.error();
    EXPECT_NE(error.find(what), std::string::npos) << error;
  };
  expect("row 5000, where 0 to 4095 exist", [](LpuInstruction& i) { i.row = 5000; });
  expect("slice 45, where 1 to 44 exist", [](LpuInstruction& i) { i.unit = 45; });
  expect("bank 2, where 0 to 1 exist", [](LpuInstruction& i) { i.bank = 2; });
  expect("no chip 1", [](LpuInstruction& i) { i.chip = 1; });
  expect("streams beyond the 32 of a direction", [](LpuInstruction& i) { i.out.first = 32; });
  expect("a vector of bytes is one stream", [](LpuInstruction& i) { i.out.count = 2; });
  expect("a cycle before 0", [](LpuInstruction& i) { i.cycle = -1; });
  expect("no chip at the other end", [](LpuInstruction& i) { i.opcode = LpuOpcode::send; });
  expect("table 0, where 0 to -1 exist", [](LpuInstruction& i) {
    i.opcode = LpuOpcode::permute;
    i.unit = 0;
    i.in = i.out;
  });
}

TEST(LaneTypes, HalfConversionsAreThoseOfSmallFloat) {
  for (std::uint32_t bits = 0; bits < 1u << 16; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float expected = decode(SmallFloat::fp16, half);
    const float found = half_to_float(half);
    if (expected == expected) {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(found), std::bit_cast<std::uint32_t>(expected)) << bits;
      ASSERT_EQ(float_to_half(expected), half) << bits;
    } else {
      ASSERT_NE(found, found);
    }
  }
  std::mt19937 random(3);
  for (int i = 0; i < 100000; ++i) {
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (value == value) {
      ASSERT_EQ(float_to_half(value), encode(SmallFloat::fp16, value)) << value;
    }
  }
}

// The wide kernels equal the plain ones to the bit.
TEST(ArrayKernel, WideEqualsPlain) {
  std::mt19937 random(5);
  for (const int lanes : {16, 32, 48, 320}) {
    const int count = lanes - 3;
    std::vector<std::int8_t> x8(static_cast<std::size_t>(lanes)), w8(static_cast<std::size_t>(lanes * count));
    std::vector<float> x(x8.size()), w(w8.size());
    for (std::size_t i = 0; i < w.size(); ++i) {
      w8[i] = static_cast<std::int8_t>(random());
      w[i] = half_to_float(static_cast<std::uint16_t>(random() % 0x7c00));
      x8[i % x8.size()] = static_cast<std::int8_t>(random());
      x[i % x.size()] = -half_to_float(static_cast<std::uint16_t>(random() % 0x7c00));
    }
    std::vector<std::int32_t> wide8(w.size()), plain8(w.size());
    array_kernel::columns_int8(x8.data(), w8.data(), count, lanes, wide8.data());
    array_kernel::plain_columns_int8(x8.data(), w8.data(), count, lanes, plain8.data());
    EXPECT_EQ(wide8, plain8);
    std::vector<float> wide(w.size()), plain(w.size());
    array_kernel::columns_float(x.data(), w.data(), count, lanes, wide.data());
    array_kernel::plain_columns_float(x.data(), w.data(), count, lanes, plain.data());
    EXPECT_EQ(wide, plain);
  }
}

}  // namespace
}  // namespace memwall
