#include "memwall/processors/wafer/attention_programs.h"

#include <gtest/gtest.h>

#include "memwall/processors/wafer/machine_test_support.h"
#include "memwall/processors/wafer/mesh_cost.h"
#include "memwall/tensor/reference.h"

namespace memwall {
namespace {

using wafer_test::card;
using wafer_test::halves_of;
using wafer_test::small_integers;
using wafer_test::timing;

constexpr double kTolerance = 0.04;

// (q K) V with small integers: exact in fp16, so equal to the reference's two products.
TEST(AttentionPrograms, DecodeIsTwoReferenceProducts) {
  const int rows = 24, columns = 16, d = 32, tokens = 48;
  const std::vector<float> query = small_integers(d, 1, 1), keys = small_integers(std::size_t{32} * 48, 2, 1),
                           values = small_integers(std::size_t{48} * 32, 3, 1);
  const DecodeAttentionProgram attention = decode_attention_program(
      rows, columns, halves_of(query), halves_of(keys), halves_of(values), d, tokens);
  verify(attention.program, card());
  MeshMachine machine(attention.program, timing());
  ASSERT_TRUE(machine.run().finished);
  const std::vector<float> expected =
      reference::matmul(reference::matmul(query, keys, 1, d, tokens), values, 1, tokens, d);
  for (int column = 0; column < columns; ++column) {
    for (int w = 0; w < d / columns; ++w) {
      EXPECT_EQ(half_to_float(machine.memory(5, column)[attention.result + w]),
                expected[column * (d / columns) + w]);
    }
  }
}

// One product and one all-reduce along the rows, then along the columns.
TEST(AttentionPrograms, DecodeTakesWhatItsPartsTake) {
  const MeshTiming form = mesh_timing(card());
  for (const auto& [rows, columns, d, tokens] : {std::array{16, 16, 64, 256},
                                                 {64, 16, 32, 64 * 9},
                                                 {128, 64, 64 * 3, 128 * 4},
                                                 {128, 128, 128, 128}}) {
    const DecodeAttentionProgram attention =
        decode_attention_program(rows, columns, std::vector<std::uint16_t>(d),
                                 std::vector<std::uint16_t>(static_cast<std::size_t>(d) * tokens),
                                 std::vector<std::uint16_t>(static_cast<std::size_t>(d) * tokens), d, tokens);
    MeshMachine machine(attention.program, timing());
    const MeshResult result = machine.run();
    ASSERT_TRUE(result.finished);
    const double expected = mesh_gemv(1, d, tokens, columns, rows, Collective::ktree, form).total() +
                            mesh_gemv(1, tokens, d, rows, columns, Collective::ktree, form).total();
    EXPECT_NEAR(expected / static_cast<double>(result.cycles), 1, kTolerance) << rows << " x " << columns;
  }
}

TEST(AttentionPrograms, ScoresAreTheReferenceProductWithTransposedKeys) {
  const int side = 16, m = 48, k = 32, n = 64;
  const std::vector<float> q = small_integers(std::size_t{48} * 32, 1, 2),
                           keys = small_integers(std::size_t{64} * 32, 2, 2);
  const ScoresProgram scores = scores_program(side, halves_of(q), halves_of(keys), m, k, n);
  verify(scores.program, card());
  MeshMachine machine(scores.program, timing());
  const MeshResult result = machine.run();
  ASSERT_TRUE(result.finished) << result.stuck;
  std::vector<float> transposed(keys.size());
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < k; ++j) {
      transposed[static_cast<std::size_t>(j) * n + i] = keys[static_cast<std::size_t>(i) * k + j];
    }
  }
  const std::vector<float> expected = reference::matmul(q, transposed, m, k, n);
  const int rows = m / side, width = n / side;
  for (int i = 0; i < side; ++i) {
    const auto memory = machine.memory(scores.row_of[i], 0);
    for (int step = 0; step < side; ++step) {
      const int first = (i + step) % side * width;
      for (int w = 0; w < width; ++w) {
        for (int r = 0; r < rows; ++r) {
          ASSERT_EQ(half_to_float(memory[scores.result + step * scores.block + w * rows + r]),
                    expected[static_cast<std::size_t>(i * rows + r) * n + first + w]);
        }
      }
    }
  }
}

TEST(AttentionPrograms, ScoresTakeWhatTheClosedFormSays) {
  const MeshTiming form = mesh_timing(card());
  for (const auto& [side, rows, depth, width] :
       {std::array{16, 9, 9, 9}, {16, 2, 1, 1}, {24, 4, 2, 3}, {32, 6, 6, 6}, {40, 3, 1, 5}}) {
    const int m = side * rows, k = side * depth, n = side * width;
    const ScoresProgram scores =
        scores_program(side, std::vector<std::uint16_t>(static_cast<std::size_t>(m) * k),
                       std::vector<std::uint16_t>(static_cast<std::size_t>(n) * k), m, k, n);
    MeshMachine machine(scores.program, timing());
    const MeshResult result = machine.run();
    ASSERT_TRUE(result.finished) << result.stuck;
    EXPECT_NEAR(transposed_gemm(m, k, n, side, 1, form).total() / static_cast<double>(result.cycles), 1,
                kTolerance)
        << side;
  }
}

}  // namespace
}  // namespace memwall
