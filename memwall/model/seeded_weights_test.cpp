#include "memwall/model/seeded_weights.h"

#include <gtest/gtest.h>

#include "memwall/core/error.h"
#include "memwall/model/read_model.h"

namespace memwall {
namespace {

std::unique_ptr<WeightSource> made(const std::string& model, Format format, std::uint64_t seed = 1) {
  ModelOptions options;
  options.weight_format = format;
  return make_seeded_weights(read_model(model, options), seed);
}

std::size_t index_of(const WeightSource& source, const std::string& tensor) {
  for (std::size_t i = 0; i < source.tensors().size(); ++i) {
    if (source.tensors()[i].name == tensor) {
      return i;
    }
  }
  ADD_FAILURE() << tensor;
  return 0;
}

// Matrices, experts, biases and the embedding add up to the model's parameters, but for norms and sinks.
TEST(SeededWeights, TensorsAddUpToTheModel) {
  for (const char* name : {"llama-3.1-8b", "gpt-oss-120b"}) {
    const Model model = read_model(name);
    const auto source = make_seeded_weights(model, 1);
    std::int64_t values = 0;
    for (const WeightTensor& tensor : source->tensors()) {
      values += tensor.inputs() * tensor.rows();
    }
    const auto total = static_cast<double>(parameters(model).total);
    EXPECT_NEAR(static_cast<double>(values) / total, 1, 1e-4) << name;
    EXPECT_LE(values, parameters(model).total);
  }
}

// A layer of a run that covers two has its own number.
TEST(SeededWeights, LayersAreNumberedThrough) {
  const auto source = made("gpt-oss-120b", Format::mxfp4);
  const WeightTensor& last = source->tensors()[index_of(*source, "blk.35.experts.down_exps.weight")];
  EXPECT_EQ(last.dimensions, (std::vector<std::int64_t>{2880, 2880, 128}));
  EXPECT_EQ(last.type, "mxfp4");
}

// Rows are the same whichever way they are asked for; another seed or tensor gives others.
TEST(SeededWeights, RowsDependOnSeedAndPlaceOnly) {
  const auto source = made("smollm2-135m", Format::q4_0);
  const std::size_t tensor = index_of(*source, "blk.0.o.weight");
  const CodedRows both = source->rows(tensor, 4, 2), second = source->rows(tensor, 5, 1);
  EXPECT_EQ(both.row_values(1), second.row_values(0));
  EXPECT_NE(both.codes, made("smollm2-135m", Format::q4_0, 2)->rows(tensor, 4, 2).codes);
  EXPECT_NE(both.codes, source->rows(index_of(*source, "blk.1.o.weight"), 4, 2).codes);
}

TEST(SeededWeights, Formats) {
  const auto rows_in = [](Format format) {
    const auto source = made("smollm2-135m", format);
    return source->rows(index_of(*source, "blk.0.o.weight"), 0, 1);
  };
  EXPECT_FALSE(rows_in(Format::bf16).has_codes());
  EXPECT_EQ(rows_in(Format::q8_0).code_bits, 8);
  const CodedRows mxfp4 = rows_in(Format::mxfp4), plain = rows_in(Format::bf16);
  EXPECT_EQ(mxfp4.alphabet, doubled_e2m1());
  for (std::size_t i = 0; i < plain.values.size(); ++i) {  // within half a step of the block's largest
    EXPECT_NEAR(mxfp4.row_values(0)[i], plain.values[i], 0.02);
  }
  EXPECT_THROW(made("smollm2-135m", Format::q2_k), ConfigError);
}

}  // namespace
}  // namespace memwall
