// The machine against the operators' reference, against its plain twin, and its rules one by one.
#include "memwall/processors/wafer/machine.h"

#include <cmath>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/processors/wafer/half.h"
#include "memwall/processors/wafer/line_programs.h"
#include "memwall/processors/wafer/machine_test_support.h"
#include "memwall/processors/wafer/mesh_queues.h"
#include "memwall/processors/wafer/plain_machine.h"
#include "memwall/processors/wafer/product_programs.h"
#include "memwall/tensor/reference.h"
#include "memwall/tensor/small_float.h"
#include "tests/support/check_property.h"

namespace memwall {
namespace {

using wafer_test::card;
using wafer_test::fill_small_integers;
using wafer_test::halves_of;
using wafer_test::line_sums;
using wafer_test::small_integers;
using wafer_test::timing;

TEST(Half, AgreesWithTheSlowFormatForEveryPatternAndRounding) {
  for (std::uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = decode(SmallFloat::fp16, half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(half_to_float(half)));
      EXPECT_TRUE(std::isnan(half_to_float(float_to_half(value))));
      continue;
    }
    ASSERT_EQ(half_to_float(half), value) << bits;
    ASSERT_EQ(float_to_half(value), half) << bits;
    for (const float nearby : {std::nextafter(value, 1e9F), value * 1.0003F, value * 0.9996F + 1e-8F}) {
      ASSERT_EQ(float_to_half(nearby), encode(SmallFloat::fp16, nearby)) << nearby;
    }
  }
}

// Sums of small integers are exact in fp16, so every order of adding gives the reference's value.
using Reduce = std::function<int(MeshBuilder&, Axis, int, int)>;  // returns where sums end
void expect_sums(const Reduce& reduce, Axis axis, int n, int lines, int values, bool everywhere) {
  MeshBuilder builder(axis == Axis::rows ? lines : n, axis == Axis::rows ? n : lines, values);
  fill_small_integers(builder.program(), 7);
  const std::vector<std::vector<float>> sums = line_sums(builder, axis, values);
  const int root = reduce(builder, axis, 0, values);
  verify(builder.program(), card());
  MeshMachine machine(builder.program(), timing());
  const MeshResult result = machine.run();
  ASSERT_TRUE(result.finished) << result.stuck;
  for (int line = 0; line < lines; ++line) {
    for (int i = everywhere ? 0 : root; i < (everywhere ? n : root + 1); ++i) {
      const auto memory = axis == Axis::rows ? machine.memory(line, i) : machine.memory(i, line);
      for (int v = 0; v < values; ++v) {
        ASSERT_EQ(half_to_float(memory[v]), sums[line][v])
            << "line " << line << " core " << i << " value " << v;
      }
    }
  }
}

TEST(MeshMachine, ReducesToTheReferenceSum) {
  const Reduce chain = [](MeshBuilder& b, Axis a, int at, int v) { return chain_reduce(b, a, at, v), 0; };
  const Reduce tree = [](MeshBuilder& b, Axis a, int at, int v) { return tree_reduce(b, a, at, v), 0; };
  const Reduce two = [](MeshBuilder& b, Axis a, int at, int v) {
    return two_phase_reduce(b, a, 5, at, v), 0;
  };
  const Reduce k2 = [](MeshBuilder& b, Axis a, int at, int v) { return ktree_reduce(b, a, 2, at, v); };
  const Reduce k3 = [](MeshBuilder& b, Axis a, int at, int v) { return ktree_reduce(b, a, 3, at, v); };
  for (const Reduce& reduce : {chain, tree, two, k2, k3}) {
    for (const Axis axis : {Axis::rows, Axis::columns}) {
      for (const int n : {2, 3, 16, 37, 128}) {
        expect_sums(reduce, axis, n, 2, 9, false);
      }
    }
  }
}

TEST(MeshMachine, AllReducesLeaveTheSumEverywhere) {
  const Reduce chain = [](MeshBuilder& b, Axis a, int at, int v) { return all_reduce_chain(b, a, at, v), 0; };
  const Reduce ktree = [](MeshBuilder& b, Axis a, int at, int v) {
    return all_reduce_ktree(b, a, 2, at, v), 0;
  };
  for (const int n : {2, 17, 64}) {
    expect_sums(chain, Axis::columns, n, 3, 12, true);
    expect_sums(ktree, Axis::rows, n, 3, 12, true);
  }
  expect_sums(ktree, Axis::columns, 128, 128, 4, true);
}

TEST(MeshMachine, BroadcastCopiesTheRootsVector) {
  for (const int root : {0, 5, 15}) {
    MeshBuilder builder(3, 16, 7);
    fill_small_integers(builder.program(), 3);
    const MeshProgram before = builder.program();
    broadcast(builder, Axis::rows, root, 0, 7);
    MeshMachine machine(builder.program(), timing());
    ASSERT_TRUE(machine.run().finished);
    for (int row = 0; row < 3; ++row) {
      for (int column = 0; column < 16; ++column) {
        for (int v = 0; v < 7; ++v) {
          EXPECT_EQ(machine.memory(row, column)[v], before.memory[(row * 16 + root) * 7 + v]);
        }
      }
    }
  }
}

// Switches: core i hears cores 0 to i - 1 in order, all on one colour.
TEST(MeshMachine, SwitchesLetCoresSpeakInTurn) {
  const int n = 12, values = 6;
  MeshBuilder builder(2, n, values * (n + 1));
  fill_small_integers(builder.program(), 11);
  const MeshProgram before = builder.program();
  take_turns(builder, Axis::rows, 0, values);
  verify(builder.program(), card());
  MeshMachine machine(builder.program(), timing());
  const MeshResult result = machine.run();
  ASSERT_TRUE(result.finished) << result.stuck;
  for (int i = 1; i < n; ++i) {
    for (int turn = 0; turn < i; ++turn) {
      for (int v = 0; v < values; ++v) {
        ASSERT_EQ(machine.memory(1, i)[(turn + 1) * values + v],
                  before.memory[static_cast<std::size_t>(n + turn) * before.memory_values + v]);
      }
    }
  }
}

// After n shifts along the folded ring every vector is home; after one it is at the core before.
TEST(MeshMachine, CyclicShiftMovesEveryVectorOnceAround) {
  for (const int n : {2, 3, 8, 13}) {
    MeshBuilder builder(n, 2, 10);
    fill_small_integers(builder.program(), 5);
    const MeshProgram before = builder.program();
    cyclic_shift(builder, Axis::columns, 0, 5, 5);
    MeshMachine machine(builder.program(), timing());
    ASSERT_TRUE(machine.run().finished);
    const std::vector<int> ring = folded_ring(n);
    for (int j = 0; j < n; ++j) {
      EXPECT_LE(std::abs(ring[j] - ring[(j + 1) % n]), 2);
      for (int v = 0; v < 5; ++v) {
        EXPECT_EQ(machine.memory(ring[j], 1)[5 + v], before.memory[(ring[(j + 1) % n] * 2 + 1) * 10 + v]);
      }
    }
  }
}

TEST(MeshMachine, KvShiftMovesEveryRowUp) {
  MeshBuilder builder(6, 3, 8);
  fill_small_integers(builder.program(), 9);
  const MeshProgram before = builder.program();
  kv_shift(builder, 0, 4, 4);
  verify(builder.program(), card());
  MeshMachine machine(builder.program(), timing());
  ASSERT_TRUE(machine.run().finished);
  for (int row = 0; row < 5; ++row) {
    for (int v = 0; v < 4; ++v) {
      EXPECT_EQ(machine.memory(row, 2)[4 + v], before.memory[((row + 1) * 3 + 2) * 8 + v]);
    }
  }
}

TEST(MeshMachine, MeshGemvIsTheReferenceProduct) {
  for (const auto& [rows, columns, k, n] :
       {std::array{16, 16, 32, 64}, {32, 8, 96, 40}, {128, 128, 256, 384}}) {
    const std::vector<float> x = small_integers(k, 1, 1),
                             w = small_integers(static_cast<std::size_t>(k) * n, 2, 1);
    const GemvProgram gemv =
        mesh_gemv_program(rows, columns, halves_of(x), halves_of(w), k, n, Collective::ktree);
    verify(gemv.program, card());
    MeshMachine machine(gemv.program, timing());
    ASSERT_TRUE(machine.run().finished);
    const std::vector<float> y = reference::matmul(x, w, 1, k, n);
    for (int column = 0; column < columns; ++column) {
      for (int v = 0; v < gemv.result_values; ++v) {
        ASSERT_EQ(half_to_float(machine.memory(rows / 3, column)[gemv.result + v]),
                  y[column * gemv.result_values + v]);
      }
    }
  }
}

TEST(MeshMachine, MeshGemmIsTheReferenceProduct) {
  for (const auto& [side, m, k, n] : {std::array{2, 4, 6, 2}, {16, 48, 32, 64}, {32, 32, 64, 96}}) {
    const std::vector<float> a = small_integers(static_cast<std::size_t>(m) * k, 3, 2),
                             b = small_integers(static_cast<std::size_t>(k) * n, 4, 2);
    const GemmProgram gemm = mesh_gemm_program(side, halves_of(a), halves_of(b), m, k, n);
    verify(gemm.program, card());
    MeshMachine machine(gemm.program, timing());
    const MeshResult result = machine.run();
    ASSERT_TRUE(result.finished) << result.stuck;
    const std::vector<float> c = reference::matmul(a, b, m, k, n);
    const int rows = m / side, width = n / side;
    for (int i = 0; i < side; ++i) {
      for (int j = 0; j < side; ++j) {
        const auto memory = machine.memory(gemm.row_of[i], gemm.column_of[j]);
        for (int r = 0; r < rows; ++r) {
          for (int v = 0; v < width; ++v) {
            ASSERT_EQ(half_to_float(memory[gemm.result + v * rows + r]),
                      c[(i * rows + r) * n + j * width + v]);
          }
        }
      }
    }
  }
}

// Random values, rounded after every instruction in the order in which the machine runs them.
TEST(MeshMachine, RoundsAsItsInstructionsDo) {
  const int n = 16, values = 5;
  MeshBuilder builder(1, n, values);
  for (std::size_t i = 0; i < builder.program().memory.size(); ++i) {
    builder.program().memory[i] = float_to_half(std::sin(static_cast<float>(i) * 1.7F) * 3);
  }
  std::vector<std::uint16_t> expected(values);
  for (int v = 0; v < values; ++v) {
    std::uint16_t sum = builder.program().memory[(n - 1) * values + v];
    for (int i = n - 2; i >= 0; --i) {
      sum = half_add(sum, builder.program().memory[i * values + v]);
    }
    expected[v] = sum;
  }
  chain_reduce(builder, Axis::rows, 0, values);
  MeshMachine machine(builder.program(), timing());
  ASSERT_TRUE(machine.run().finished);
  EXPECT_THAT(machine.memory(0, 0), testing::ElementsAreArray(expected));
}

// Same cycles, same moves, same values as the twin that ticks everything, whatever the timing.
TEST(MeshMachine, AgreesWithThePlainTwin) {
  check_property(60, [] {
    const int rows = pick(2, 12), columns = pick(2, 12), values = pick(1, 12);
    MeshBuilder builder(rows, columns, 40 * values);
    fill_small_integers(builder.program(), 13);
    const Axis axis = pick(0, 2) == 0 ? Axis::rows : Axis::columns;
    switch (pick(0, 8)) {
      case 0:
        broadcast(builder, axis, pick(0, builder.length(axis)), 0, values);
        break;
      case 1:
        chain_reduce(builder, axis, 0, values);
        break;
      case 2:
        tree_reduce(builder, axis, 0, values);
        break;
      case 3:
        two_phase_reduce(builder, axis, pick(1, 5), 0, values);
        break;
      case 4:
        all_reduce_ktree(builder, axis, pick(1, 4), 0, values);
        break;
      case 5:
        cyclic_shift(builder, axis, 0, values, values);
        break;
      case 6:
        kv_shift(builder, 0, values, values);
        break;
      default:
        take_turns(builder, axis, 0, values);
        break;
    }
    if (pick(0, 2) == 0) {  // one core begins later than its equals in other lines
      const int late = pick(0, rows * columns);
      builder.program().cores[late].start.insert(builder.program().cores[late].start.begin(),
                                                 Instruction{.kind = Instruction::Kind::mac,
                                                             .to = in_memory(0),
                                                             .from = in_memory(0),
                                                             .other = in_memory(0),
                                                             .length = 1});
    }
    MeshMachineTiming random{pick(1, 5), pick(0, 20), pick(0, 5), pick(0, 9), pick(1, 9), 0};
    random.queue_depth = pick(2, kRing - random.ramp + 1);
    MeshMachine machine(builder.program(), random);
    MeshResult fast = machine.run();
    const PlainResult plain = run_plainly(builder.program(), random);
    RC_ASSERT(fast.finished == plain.counts.finished);
    fast.steps = 0;
    RC_ASSERT(fast == plain.counts);
    for (int core = 0; core < rows * columns; ++core) {
      const auto memory = machine.memory(core / columns, core % columns);
      RC_ASSERT(std::equal(memory.begin(), memory.end(),
                           plain.memory.begin() + static_cast<std::ptrdiff_t>(core) * 40 * values));
    }
  });
}

// Rows that do the same are stepped once, here more beats of them than are kept; two rows do something else.
TEST(MeshMachine, RowsAlikeAndUnlikeAgreeWithThePlainTwin) {
  constexpr int kRows = 5, kColumns = 4, kMemory = 16;
  MeshBuilder builder(kRows, kColumns, kMemory);
  fill_small_integers(builder.program(), 17);
  cyclic_shift(builder, Axis::rows, 0, 8, 8);
  for (CoreProgram& core : builder.program().cores) {
    core.repeat = 1500;
  }
  for (int column = 0; column < kColumns; ++column) {
    builder.program().cores[builder.program().core(1, column)].repeat = 7;
    for (Instruction& each : builder.program().cores[builder.program().core(3, column)].start) {
      each.length = std::max(0, each.length - 3);
    }
  }
  verify(builder.program(), card());
  MeshMachineTiming quick = timing();
  quick.instruction = 1;
  MeshMachine machine(builder.program(), quick);
  MeshResult fast = machine.run();
  EXPECT_GT(fast.beats, 3 * kColumns * 8 * 1500);
  fast.steps = 0;
  const PlainResult plain = run_plainly(builder.program(), quick);
  EXPECT_EQ(fast, plain.counts);
  for (int core = 0; core < kRows * kColumns; ++core) {
    const auto memory = machine.memory(core / kColumns, core % kColumns);
    EXPECT_TRUE(std::equal(memory.begin(), memory.end(),
                           plain.memory.begin() + static_cast<std::ptrdiff_t>(core) * kMemory))
        << core;
  }
}

// The first of several that wait alike.
TEST(MeshMachine, NamesTheFirstOfRowsThatAreStuckAlike) {
  MeshBuilder builder(3, 3, 4);
  for (const int row : {1, 2}) {
    const int color = builder.connect(Axis::rows, row, 0, 2);
    builder.receive(builder.program().core(row, 2), color, 0, 4);
  }
  MeshMachine machine(builder.program(), timing());
  EXPECT_EQ(machine.run().stuck, "core (1, 2) waits for the fabric");
}

TEST(MeshMachine, ProductsAgreeWithThePlainTwin) {
  const std::vector<float> a = small_integers(std::size_t{12} * 8, 3, 2),
                           b = small_integers(std::size_t{8} * 16, 4, 2);
  const GemmProgram gemm = mesh_gemm_program(4, halves_of(a), halves_of(b), 12, 8, 16);
  const GemvProgram gemv =
      mesh_gemv_program(4, 8, halves_of(small_integers(8, 1, 2)), halves_of(b), 8, 16, Collective::chain);
  for (const MeshProgram* program : {&gemm.program, &gemv.program}) {
    MeshMachine machine(*program, timing());
    MeshResult fast = machine.run();
    fast.steps = 0;
    EXPECT_EQ(fast, run_plainly(*program, timing()).counts);
  }
}

// Times in queues are 16 bits wide: a run past 65,536 cycles, and another, must not confuse old with new.
TEST(MeshMachine, LongRunsKeepCount) {
  MeshBuilder builder(1, 4, 8);
  fill_small_integers(builder.program(), 21);
  const Instruction pause{.kind = Instruction::Kind::mac,
                          .to = in_memory(0),
                          .from = in_memory(4),
                          .other = in_memory(4),
                          .length = 1,
                          .columns = 1,
                          .depth = 1};
  cyclic_shift(builder, Axis::rows, 0, 4, 3);
  for (CoreProgram& core : builder.program().cores) {
    core.start.insert(core.start.begin(), pause);
    core.repeat = 40;
  }
  MeshMachineTiming slow = timing();
  slow.repeat = 5000;  // 40 times 5000 cycles
  MeshMachine machine(builder.program(), slow);
  MeshResult fast = machine.run();
  EXPECT_GT(fast.cycles, 3 * 65536);
  fast.steps = 0;
  EXPECT_EQ(fast, run_plainly(builder.program(), slow).counts);
}

// A core that waits for a vector that nobody sends is named.
TEST(MeshMachine, SaysWhereItIsStuck) {
  MeshBuilder builder(1, 3, 4);
  const int color = builder.connect(Axis::rows, 0, 0, 2);
  builder.receive(2, color, 0, 4);
  builder.send(0, color, 0, 2);
  MeshMachine machine(builder.program(), timing());
  const MeshResult result = machine.run();
  EXPECT_FALSE(result.finished);
  EXPECT_EQ(result.stuck, "core (0, 2) waits for the fabric");
}

}  // namespace
}  // namespace memwall
