// A whole decoder layer: compiled, executed without a schedule error, with the reference's values, in the
// closed form's time.
#include <gtest/gtest.h>

#include "memwall/core/error.h"
#include "memwall/processors/lpu/test_support.h"
#include "tests/support/check_property.h"

namespace memwall {
namespace {

using namespace lpu_test;

// Rounding of 16-bit activations and cache: 2^-11 of values up to 4, a few times over. With int8, a value
// next to the border between two steps may fall on the other side of it: a step of a product, some 0.02.
float tolerance(const DecoderLayerShape& shape) { return shape.bytes ? 0.03f : 0.004f; }

void expect_reference(const LpuGeometry& g, int chips, const DecoderLayerShape& shape, unsigned seed = 7) {
  const DecoderLayerData data = random_layer(shape, seed);
  const CompiledLayer layer = compile_layer(g, small_links(), chips, shape, data);
  LpuMachine machine(layer.schedule, {});
  const LpuRun run = machine.run();
  ASSERT_FALSE(run.error) << to_text(*run.error);
  const auto expected = reference_layer(shape, data), found = machine_output(machine, layer, shape);
  for (std::size_t b = 0; b < expected.size(); ++b) {
    for (std::size_t i = 0; i < expected[b].size(); ++i) {
      ASSERT_NEAR(found[b][i], expected[b][i], tolerance(shape)) << "sequence " << b << " value " << i;
    }
  }
}

class OverChips : public testing::TestWithParam<std::tuple<int, bool>> {};

TEST_P(OverChips, RunsWithTheReferencesValues) {
  const auto [chips, bytes] = GetParam();
  DecoderLayerShape shape{64, 8, 4, 16, 128, 1, 20};
  shape.bytes = bytes;
  expect_reference(small_geometry(), chips, shape);
  shape = {112, 8, 4, 16, 96, 3, 70};  // padded vectors, several tiles of cache, several sequences
  shape.bytes = bytes;
  expect_reference(small_geometry(), chips, shape);
}

INSTANTIATE_TEST_SUITE_P(Layers, OverChips, testing::Combine(testing::Values(1, 2, 4), testing::Bool()));

TEST(RealGeometry, RunsWithTheReferencesValues) {
  expect_reference(card_named("lpu-v1").geometry, 1, {640, 8, 4, 64, 1280, 1, 100});
}

// Folded and tile by tile give the same bytes in the same cycles; so do the plain and the wide kernels.
TEST(Skew, FoldingItChangesNothing) {
  const DecoderLayerShape shape{64, 4, 2, 16, 64, 2, 40};
  const CompiledLayer layer =
      compile_layer(small_geometry(4), small_links(), 2, shape, random_layer(shape, 3));
  std::vector<std::vector<Vector>> outputs;
  std::vector<std::int64_t> cycles;
  for (const auto& [tiles, wide] :
       {std::pair(false, true), std::pair(false, false), std::pair(true, false)}) {
    LpuMachineOptions options;
    options.tile_by_tile = tiles;
    options.wide = wide;
    LpuMachine machine(layer.schedule, options);
    const LpuRun run = machine.run();
    ASSERT_FALSE(run.error) << to_text(*run.error);
    outputs.push_back(machine_output(machine, layer, shape));
    cycles.push_back(run.cycles);
  }
  EXPECT_EQ(outputs[0], outputs[1]);
  EXPECT_EQ(outputs[0], outputs[2]);
  EXPECT_EQ(cycles[0], cycles[2]);
}

TEST(Links, DriftWithinTheDeskewChangesNothingAndBeyondItIsAnError) {
  const DecoderLayerShape shape{64, 4, 4, 16, 64, 1, 10};
  const CompiledLayer layer =
      compile_layer(small_geometry(), small_links(), 4, shape, random_layer(shape, 3));
  LpuMachineOptions options;
  options.drift_cycles = options.deskew_cycles;
  LpuMachine steady(layer.schedule, {}), drifting(layer.schedule, options);
  ASSERT_FALSE(steady.run().error);
  ASSERT_FALSE(drifting.run().error);
  EXPECT_EQ(machine_output(steady, layer, shape), machine_output(drifting, layer, shape));
  options.drift_cycles = 4 * options.deskew_cycles;
  LpuMachine beyond(layer.schedule, options);
  const auto error = beyond.run().error;
  ASSERT_TRUE(error);
  EXPECT_NE(to_text(*error).find("nothing has come over the link"), std::string::npos) << to_text(*error);
}

// Moving one instruction of a compiled schedule by a cycle breaks a meeting, and the machine says which.
TEST(EditedSchedule, ConflictIsOneLine) {
  const DecoderLayerShape shape{64, 4, 2, 16, 64, 1, 10};
  const CompiledLayer layer =
      compile_layer(small_geometry(), small_links(), 1, shape, random_layer(shape, 3));
  std::mt19937 random(5);
  int edits = 0;
  while (edits < 60) {
    LpuSchedule edited = layer.schedule;
    LpuInstruction& moved = edited.instructions[random() % edited.instructions.size()];
    if (moved.opcode != LpuOpcode::alu && moved.opcode != LpuOpcode::write &&
        moved.opcode != LpuOpcode::accumulate) {
      continue;
    }
    ++edits;
    ++moved.cycle;
    const std::string instruction = to_text(moved);
    sort_instructions(edited);
    LpuMachine machine(edited, {});
    const auto error = machine.run().error;
    ASSERT_TRUE(error.has_value()) << instruction;
    const std::string text = to_text(*error);
    EXPECT_EQ(text.find("cycle "), 0u) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
}

// The closed form that the lowering charges, against the executed schedule, on 1, 2 and 4 chips: every case.
TEST(ClosedForm, IsTheLengthOfCompiledSchedules) {
  check_property(60, [] {
    const int chips = 1 << pick(0, 3);
    DecoderLayerShape s;
    s.kv_heads = chips * pick(1, 3);
    s.heads = s.kv_heads * pick(1, 5);
    s.head_dim = 16 * pick(1, 3);
    s.hidden = 16 * pick(2, 20);
    s.intermediate = chips * 16 * pick(2, 20);
    s.sequences = pick(1, 5);
    s.context = pick(0, 150);
    s.bytes = pick(0, 2) == 1;
    const LpuGeometry g = small_geometry(pick(3, 6));
    const CompiledLayer layer = compile_layer(g, small_links(), chips, s, random_layer(s, 1));
    LpuMachine machine(layer.schedule, {});
    const LpuRun run = machine.run();
    RC_ASSERT(!run.error);
    const double ratio = layer_cycles(g, small_links(), chips, s) / static_cast<double>(run.cycles);
    RC_LOG() << chips << " chips, " << s.heads << " / " << s.kv_heads << " heads of " << s.head_dim
             << ", hidden " << s.hidden << ", intermediate " << s.intermediate << ", " << s.sequences << " x "
             << s.context << (s.bytes ? ", int8, " : ", fp16, ") << g.lanes() << " lanes: " << ratio;
    RC_ASSERT(std::abs(ratio - 1) <= 0.03);
  });
}

// Three tiles for two arrays leave one idle in every other round: with a copy of the third the compiled
// schedule is shorter, gives the same, and the closed form says so.
TEST(ClosedForm, CopiesOfOddTilesShareTheSequences) {
  const LpuGeometry g = small_geometry();
  for (const bool bytes : {false, true}) {
    DecoderLayerShape plain{96, 4, 2, 16, 160, 16, 10};
    plain.bytes = bytes;
    if (bytes) {
      plain.hidden = 160;  // five tiles for four arrays
      plain.sequences = 8;
    }
    DecoderLayerShape copies = plain;
    copies.copies = true;
    expect_reference(g, 1, copies);
    std::vector<double> cycles;
    for (const DecoderLayerShape& shape : {plain, copies}) {
      const CompiledLayer layer = compile_layer(g, small_links(), 1, shape, random_layer(shape, 1));
      LpuMachine machine(layer.schedule, {});
      const LpuRun run = machine.run();
      ASSERT_FALSE(run.error);
      cycles.push_back(static_cast<double>(run.cycles));
      EXPECT_NEAR(layer_cycles(g, small_links(), 1, shape) / cycles.back(), 1, 0.03);
    }
    EXPECT_LT(cycles[1], cycles[0]);
  }
}

// On the chip's own geometry, where tiles and not transits take the time.
TEST(ClosedForm, IsTheLengthOnTheRealGeometry) {
  const LpuGeometry g = card_named("lpu-v1").geometry;
  DecoderLayerShape bytes{1280, 8, 4, 128, 3200, 1, 300};
  bytes.bytes = true;
  for (const auto& [chips, s] :
       {std::pair(1, DecoderLayerShape{1280, 8, 4, 128, 3200, 1, 300}), std::pair(4, bytes),
        std::pair(1, DecoderLayerShape{640, 4, 2, 128, 1280, 8, 700})}) {
    const CompiledLayer layer = compile_layer(g, small_links(), chips, s, random_layer(s, 1));
    LpuMachine machine(layer.schedule, {});
    const LpuRun run = machine.run();
    ASSERT_FALSE(run.error);
    EXPECT_NEAR(layer_cycles(g, small_links(), chips, s) / static_cast<double>(run.cycles), 1, 0.03);
  }
}

std::string refusal(const LpuGeometry& g, int chips, const DecoderLayerShape& shape) {
  try {
    compile_layer(g, small_links(), chips, shape, random_layer(shape, 1));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "compiled";
}

TEST(LayerErrors, ShapesThatDoNotDivideAndLayersTooLarge) {
  const DecoderLayerShape shape{64, 8, 4, 16, 128, 1, 20};
  EXPECT_EQ(refusal(small_geometry(), 3, shape), "kv_heads: found 4, expected a multiple of 3 chips");
  EXPECT_EQ(refusal(small_geometry(), 18, shape), "chips: found 18, expected 1 to 17, all linked with all");
  DecoderLayerShape odd = shape;
  odd.heads = 6;
  EXPECT_EQ(refusal(small_geometry(), 1, odd), "heads: found 6, expected a multiple of 4 KV heads");
  odd = shape;
  odd.head_dim = 34;
  EXPECT_EQ(refusal(small_geometry(), 1, odd), "head_dim: found 34, expected even, at most the 32 lanes");
  LpuGeometry tiny = small_geometry();
  tiny.words_per_bank = 20;
  EXPECT_EQ(refusal(tiny, 1, shape),
            "schedule: found weights of more than 20 rows in a memory slice, expected a model whose weights "
            "fit into the "
            "chips");
  LpuGeometry narrow = small_geometry();
  narrow.alus = 1;
  EXPECT_EQ(
      refusal(narrow, 1, shape),
      "schedule: found no cycle for the instructions of 'qkv' together, expected a chip with more than 1 "
      "VXM ALUs, 32 streams and 14 scratch slices");
  tiny.words_per_bank = 4;
  EXPECT_NE(refusal(tiny, 1, shape).find("schedule: found"), std::string::npos);
}

}  // namespace
}  // namespace memwall
