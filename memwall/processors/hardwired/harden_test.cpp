// Weights become wiring: what is written is what was in the file, and the report counts it.
#include "memwall/processors/harden.h"

#include <fstream>
#include <map>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "memwall/core/error.h"
#include "memwall/core/output_file.h"
#include "memwall/model/seeded_weights.h"
#include "memwall/processors/hardwired/machine.h"
#include "memwall/processors/hardwired/neuron_silicon.h"
#include "memwall/processors/hardwired/test_support.h"
#include "memwall/processors/hardwired/wire_list.h"
#include "memwall/tensor/gguf_test_file.h"
#include "memwall/tensor/gguf_weights.h"
#include "tests/support/edited_card.h"

namespace memwall {
namespace {

using ::testing::HasSubstr;

NeuronSilicon hnlpu_silicon() { return read_neuron_silicon(read_chip("hnlpu")); }

CodedRows plain_rows(std::int64_t inputs, std::vector<float> values) {
  const auto rows = static_cast<std::int64_t>(values.size()) / inputs;
  return {rows, inputs, 1, 0, {}, {}, {}, {}, std::move(values)};
}

// What the neurons compute from activations of 1, 2, 3...: the sum over all of a row's neurons.
std::vector<double> results(const CodedRows& rows, ScalePolicy policy) {
  std::vector<double> sums(static_cast<std::size_t>(rows.rows), 0);
  for_each_neuron(rows, policy, hnlpu_silicon().values, [&](const RowNeuron& neuron) {
    CodedWeights weights{static_cast<int>(neuron.codes.size()),
                         1,
                         {neuron.values.begin(), neuron.values.end()},
                         {neuron.codes.begin(), neuron.codes.end()}};
    std::vector<std::int32_t> x;
    double sum = 0;
    for (std::size_t i = 0; i < neuron.codes.size(); ++i) {
      x.push_back(static_cast<std::int32_t>(neuron.first_input + static_cast<std::int64_t>(i)) + 1);
      sum += x.back();
    }
    const auto dot = static_cast<double>(make_neuron_machine(weights)->run(x, 16).outputs[0]);
    sums[static_cast<std::size_t>(neuron.row)] +=
        (1 << neuron.place) *
        (static_cast<double>(neuron.scale) * dot + static_cast<double>(neuron.minimum) * sum);
  });
  return sums;
}

double expected(const CodedRows& rows, std::int64_t row) {
  double sum = 0;
  const std::vector<float> weights = rows.row_values(row);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    sum += static_cast<double>(weights[i]) * static_cast<double>(i + 1);
  }
  return sum;
}

// Blocks with scales, minimums and codes of 4, 6 or 8 bits: the neurons' machines and the scales give the
// file's own dot product.
TEST(WiredRows, BlocksComputeTheFilesNumbers) {
  for (const int bits : {4, 6, 8}) {
    CodedRows rows{2, 64, 32, bits, {}, {}, {0.5f, 2, -1, 0.25f}, {1, 0, -2, 3}, {}};
    for (int code = -8; bits == 4 && code < 8; ++code) {
      rows.alphabet.push_back(static_cast<std::int8_t>(code));
    }
    const int reach = 1 << (bits - 1);
    for (int i = 0; i < 128; ++i) {
      rows.codes.push_back(static_cast<std::int8_t>((i * i * 7 + i) % (2 * reach) - reach));
    }
    const std::vector<double> found = results(rows, ScalePolicy::block);
    EXPECT_DOUBLE_EQ(found[0], expected(rows, 0)) << bits;
    EXPECT_DOUBLE_EQ(found[1], expected(rows, 1)) << bits;
  }
}

// Weights that are the chip's values times one scale are wired without error: that of 12 at 0.25 is 3.
TEST(WiredRows, OneScaleIsExactForItsOwnValues) {
  std::vector<float> values;
  for (const std::int32_t value : hnlpu_silicon().values) {
    values.push_back(0.25f * static_cast<float>(value));
  }
  const CodedRows rows = plain_rows(static_cast<std::int64_t>(values.size()), values);
  std::vector<std::int32_t> wired;
  const RowError error =
      for_each_neuron(rows, ScalePolicy::neuron, hnlpu_silicon().values, [&](const RowNeuron& neuron) {
        EXPECT_EQ(neuron.scale, 0.25f);
        for (const std::uint8_t code : neuron.codes) {
          wired.push_back(neuron.values[code]);
        }
      });
  EXPECT_EQ(wired, hnlpu_silicon().values);
  EXPECT_EQ(error.squared_error, 0);
  EXPECT_GT(error.squared, 0);
}

// One large weight among small ones: a smaller scale that clips it has the smaller error.
TEST(WiredRows, ScaleIsChosenByItsError) {
  std::vector<float> values(63, 1.0f);
  values.push_back(24.0f);
  for_each_neuron(plain_rows(64, values), ScalePolicy::neuron, hnlpu_silicon().values,
                  [](const RowNeuron& neuron) { EXPECT_LE(neuron.scale, 2.0f); });
  const CodedRows zeros = plain_rows(4, {0, 0, 0, 0});
  const RowError none = for_each_neuron(zeros, ScalePolicy::neuron, hnlpu_silicon().values,
                                        [](const RowNeuron& neuron) { EXPECT_EQ(neuron.scale, 1.0f); });
  EXPECT_EQ(none.squared, 0);
}

TEST(WireList, NamesEveryConnectionOnce) {
  const std::vector<std::int32_t> values = {-3, 0, 2};
  const std::vector<std::uint8_t> codes = {2, 0, 1, 2};
  std::ostringstream text;
  WireListWriter list(text, {"a.weight", {36, 2}, "Q4_0", true});
  list.write({1, 32, 0, 0.5f, 0, values, codes});
  EXPECT_EQ(text.str(),
            "memwall wires 1\ntensor a.weight, 2 rows of 36 inputs\nneuron 1 scale 0.5 input 32\n-3: 33\n2: "
            "32 35\n");
}

// 32 ports a slice, a quarter of slack: 64 inputs get 3 slices. Fourteen regions of one slice are too many.
TEST(NeuronSilicon, SlicesByHand) {
  const NeuronSilicon silicon = hnlpu_silicon();
  EXPECT_EQ(silicon.slices_of(64), 3);
  const std::vector<std::int32_t> values = {-1, 2};
  const BuiltNeuron fits = built_neuron(silicon, std::vector<std::int64_t>{33, 31}, values, 64);
  EXPECT_EQ(fits.slices_given, 3);
  EXPECT_EQ(fits.slices_taken, 3);
  // Three slices of 31 adders, one join of 7 bits; no constant needs an adder; tree and accumulator: sums up
  // to 128 take 9 bits, 17 with eight input bits.
  EXPECT_EQ(fits.adders, 3 * 31 + 7 + 9 + 17);
  const BuiltNeuron over = built_neuron(silicon, std::vector<std::int64_t>{33, 33}, values, 64);
  EXPECT_EQ(over.slices_taken, 4);
}

class Hardening : public testing::Test {
 protected:
  Hardening() : out_(std::filesystem::temp_directory_path() / ("wires-" + std::to_string(::getpid()))) {}
  ~Hardening() override { std::filesystem::remove_all(out_); }

  HardenReport harden(const WeightSource& source, const HardenOptions& options) {
    const System system = read_system("hnlpu-16");
    OutputFolder folder(out_);
    const HardenReport report = make_hardwired()->open_hardener(system)->harden(source, options, folder);
    folder.commit();
    return report;
  }
  std::string refusal(const WeightSource& source, const HardenOptions& options) {
    try {
      harden(source, options);
    } catch (const ConfigError& error) {
      EXPECT_FALSE(std::filesystem::exists(out_));
      return error.what();
    }
    return "accepted";
  }
  std::filesystem::path out_;
};

std::unique_ptr<WeightSource> seeded(const char* format) {
  ModelOptions options;
  options.weight_format = format_named("format", format);
  return make_seeded_weights(read_model("smollm2-135m", options), 1);
}

HardenOptions one_tensor(const std::string& name, ScalePolicy scales = ScalePolicy::neuron) {
  HardenOptions options;
  options.tensors = {name};
  options.scales = scales;
  return options;
}

// 4-bit codes in blocks of 32, rounded to one scale per neuron.
TEST_F(Hardening, ReportCountsWires) {
  const auto source = seeded("q4_0");
  const HardenReport report = harden(*source, one_tensor("blk.0.o.weight"));
  ASSERT_EQ(report.tensors.size(), 1u);
  const HardenedTensor& tensor = report.tensors[0];
  EXPECT_EQ(tensor.layer, "blk.0");
  EXPECT_EQ(tensor.neurons, 576);
  EXPECT_EQ(tensor.weights, 576 * 576);
  EXPECT_EQ(tensor.ports, 576 * 23 * 32);  // ceil(576 * 1.25 / 32) slices
  EXPECT_LT(tensor.error, 0.15);
  EXPECT_GT(tensor.error, 0.05);
  EXPECT_EQ(report.misfits.at(0).what, "scales of blocks");
  EXPECT_EQ(report.misfits.at(0).values, 576 * 576 / 32);
  // The file has a wire for every weight that is not zero.
  std::ifstream list(out_ / "0002-blk.0.o.weight.wires");
  std::int64_t wires = 0;
  for (std::string line; std::getline(list, line);) {
    const bool is_region = line.find(':') != std::string::npos && !line.starts_with("tensor");
    wires += is_region ? std::count(line.begin(), line.end(), ' ') : 0;
  }
  EXPECT_EQ(wires, tensor.wires);
  EXPECT_FALSE(std::filesystem::exists(out_ / "neurons.sv"));
}

TEST_F(Hardening, BlocksAreExactAndDear) {
  const auto source = seeded("q4_0");
  const HardenedTensor whole = harden(*source, one_tensor("blk.0.o.weight")).total;
  std::filesystem::remove_all(out_);
  const HardenedTensor blocks = harden(*source, one_tensor("blk.0.o.weight", ScalePolicy::block)).total;
  EXPECT_EQ(blocks.error, 0);
  EXPECT_EQ(blocks.neurons, whole.neurons * 18);
  EXPECT_GT(blocks.built_adders, 4 * whole.built_adders);
}

TEST_F(Hardening, SixteenBitWeightsAreSplitOrRounded) {
  const auto source = seeded("bf16");
  const HardenReport report = harden(*source, one_tensor("blk.0.o.weight", ScalePolicy::block));
  EXPECT_EQ(report.total.neurons, 2 * 576 * 18);
  EXPECT_LT(report.total.error, 0.01);
  EXPECT_EQ(report.misfits.at(0).what, "weights of 16 bits or more");
}

// A file with one of everything: a matrix, its bias, a norm, an embedding that is the head as well.
TEST_F(Hardening, ReadsAFileAndAccountsForAllOfIt) {
  constexpr std::uint32_t kF32 = 0, kF16 = 1, kQ8_0 = 8;
  GgufTestFile file;
  file.add_tensor("token_embd.weight", {32, 3}, kQ8_0);
  file.add_tensor("blk.0.attn_q.weight", {32, 32}, kF16);
  file.add_tensor("blk.0.attn_q.bias", {32}, kF32);
  file.add_tensor("blk.0.attn_norm.weight", {32}, kF32);
  std::string bytes = file.bytes();
  const std::size_t data = bytes.size() - 128 - 128 - 2048 - 128;  // 3 rows of 34 bytes, rounded up to 32
  bytes[data + 1] = 0x3c;                                          // the first row's scale: 1.0
  bytes[data + 2] = 17;                                            // its first code: 16 * 1 + 1
  const std::filesystem::path path = out_.string() + ".gguf";
  write_whole_file(path, bytes);
  HardenOptions options;
  options.scales = ScalePolicy::block;
  const HardenReport report = harden(*open_gguf_weights(path), options);
  std::filesystem::remove(path);
  ASSERT_EQ(report.tensors.size(), 2u);
  EXPECT_EQ(report.tensors[0].name, "token_embd.weight");
  EXPECT_EQ(report.tensors[0].neurons, 2 * 3);  // two halves of every row
  EXPECT_EQ(report.tensors[0].wires, 2);        // 17 is a one in each
  EXPECT_EQ(report.layers.back().name, "blk.0");
  std::map<std::string, std::int64_t> misfits;
  for (const Misfit& misfit : report.misfits) {
    misfits[misfit.what] = misfit.values;
  }
  EXPECT_EQ(misfits, (std::map<std::string, std::int64_t>{{"scales of blocks", 3},
                                                          {"codes of more than 4 bits", 96},
                                                          {"weights of 16 bits or more", 1024},
                                                          {"biases", 32},
                                                          {"norm gains and other vectors", 32},
                                                          {"embedding tied to the head", 96}}));
  const std::string list = read_text_file(out_ / "0000-token_embd.weight.wires");
  EXPECT_THAT(list, HasSubstr("neuron 0 scale 1\n1: 0\nneuron 0 scale 1 place 4\n1: 0\n"));
}

TEST_F(Hardening, TensorsThatCannotBeReadAreRefused) {
  GgufTestFile file;
  constexpr std::uint32_t kQ2_K = 10;
  file.add_tensor("blk.0.attn_q.weight", {256, 1}, kQ2_K);
  const std::filesystem::path path = out_.string() + ".gguf";
  write_whole_file(path, file.bytes());
  EXPECT_THAT(refusal(*open_gguf_weights(path), {}),
              HasSubstr("'blk.0.attn_q.weight': found type Q2_K, expected F32, F16, BF16"));
  std::filesystem::remove(path);
}

TEST_F(Hardening, WritesNeuronsAsVerilog) {
  HardenOptions options = one_tensor("blk.0.o.weight");
  options.verilog_tensor = "blk.0.o.weight";
  options.verilog_first = 3;
  options.verilog_count = 2;
  harden(*seeded("q4_0"), options);
  EXPECT_THAT(read_text_file(out_ / "neurons.sv"), HasSubstr("neurons 3 to 4 of 'blk.0.o.weight'"));
}

TEST_F(Hardening, Refusals) {
  const auto source = seeded("q4_0");
  EXPECT_THAT(refusal(*source, one_tensor("blk.0.oo.weight")),
              HasSubstr("--tensor: found 'blk.0.oo.weight'"));
  EXPECT_THAT(refusal(*source, one_tensor("token_embd.bias")),
              HasSubstr("--tensor: found 'token_embd.bias'"));
  HardenOptions options = one_tensor("blk.0.o.weight");
  options.verilog_tensor = "blk.0.o.weight";
  options.verilog_first = 576;
  EXPECT_THAT(refusal(*source, options),
              HasSubstr("--neurons: found 576:1, expected neurons within the 576 of 'blk.0.o.weight'"));
  options.scales = ScalePolicy::block;
  EXPECT_THAT(refusal(*source, options), HasSubstr("--verilog: found --scales block beside it"));
}

// HC1 stores weights in ROM: its silicon is not made of such neurons.
TEST(Harden, OnlyWhereTheCardDescribesNeurons) {
  EXPECT_EQ(make_hardwired()->open_hardener(read_system("taalas-hc1")), nullptr);
  EXPECT_NE(make_hardwired()->open_hardener(read_system("hnlpu-16")), nullptr);
  const Chip other = edited_chip("hnlpu", "word: fp4_e2m1", "word: int4");
  EXPECT_THROW(read_neuron_silicon(other), ConfigError);
  const Chip narrow = edited_chip(
      "hnlpu",
      "{value: 32, estimate: \"regions are made of slices that metal joins; their size is not published\", "
      "range: [8, 64]}",
      "{value: 1, source: hnlpu}");
  EXPECT_THROW(read_neuron_silicon(narrow), ConfigError);
}

}  // namespace
}  // namespace memwall
