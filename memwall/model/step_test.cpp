#include "memwall/model/step.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/error.h"
#include "memwall/model/read_model.h"

namespace memwall {
namespace {

using ::testing::HasSubstr;

template <class Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

const Operator& find(const std::vector<Operator>& operators, const std::string& name) {
  return *std::find_if(operators.begin(), operators.end(),
                       [&](const Operator& candidate) { return candidate.name == name; });
}

TEST(ParseSlices, DecodeAndPrefill) {
  EXPECT_EQ(parse_decode("64@4096"), (Slice{64, 1, 4096}));
  EXPECT_EQ(parse_decode("1@0"), (Slice{1, 1, 0}));
  EXPECT_EQ(parse_prefill("1@8192"), (Slice{1, 8192, 0}));
  EXPECT_EQ(parse_prefill("4@512+7680"), (Slice{4, 512, 7680}));
}

TEST(ParseSlices, RefusesEverythingElse) {
  for (const char* text : {"", "64", "@4096", "64@", "0@4096", "-1@4096", "64@4096+1", "64@4k", "1e3@1",
                           " 1@1", "1@99999999999999999999", "1@2199023255552"}) {
    EXPECT_THAT(refusal([&] { parse_decode(text); }), HasSubstr("expected SEQUENCES@CONTEXT")) << text;
  }
  for (const char* text : {"", "1@0", "1@512+", "1@512+-1", "1@+512", "0@512"}) {
    EXPECT_THAT(refusal([&] { parse_prefill(text); }), HasSubstr("expected SEQUENCES@TOKENS")) << text;
  }
  EXPECT_EQ(refusal([] { parse_decode("many"); }),
            "decode: found 'many', expected SEQUENCES@CONTEXT such as '64@4096', up to 2^40 each");
}

TEST(VerifyStep, RefusesEmptyAbsurdAndTooLong) {
  const Model model = read_model("llama-3.1-8b");
  const auto verdict = [&](std::vector<Slice> slices) {
    return refusal([&] { verify(Step{std::move(slices), {}}, model); });
  };
  EXPECT_EQ(verdict({{1, 1, 4096}}), "accepted");
  EXPECT_EQ(verdict({}), "batch: found no sequence, expected at least one, such as decode '1@4096'");
  EXPECT_THAT(verdict({{0, 1, 1}}), HasSubstr("at least 1 sequence, 1 new and 0 past tokens"));
  EXPECT_THAT(verdict({{1, 0, 1}}), HasSubstr("0 new"));
  EXPECT_THAT(verdict({{std::int64_t{1} << 40, 1, 1}}), HasSubstr("more than 2^40 tokens"));
  EXPECT_EQ(verdict({{1, 1, 131072}}),
            "batch: found a context of 131073, expected at most the 131072 tokens of llama-3.1-8b");
}

// sum over j < n of min(past + j + 1, window), by counting.
double count_keys(const Slice& slice, std::int64_t window) {
  std::int64_t sum = 0;
  for (std::int64_t j = 0; j < slice.new_tokens; ++j) {
    const std::int64_t causal = slice.past_tokens + j + 1;
    sum += window > 0 ? std::min(causal, window) : causal;
  }
  return static_cast<double>(slice.count * sum);
}

TEST(AttendedKeys, ClosedFormIsTheCount) {
  for (const std::int64_t window : {0, 1, 2, 7, 16, 100}) {
    for (const std::int64_t past : {0, 1, 6, 7, 15, 16, 17, 200}) {
      for (const std::int64_t fresh : {1, 2, 7, 16, 33}) {
        const Slice slice{3, fresh, past};
        EXPECT_EQ(attended_keys(slice, window), count_keys(slice, window))
            << window << " " << past << " " << fresh;
      }
    }
  }
}

TEST(Work, LlamaDecodeIsItsMatrixTimesItsTokens) {
  const Model model = read_model("llama-3.1-8b");
  const Step step{{{4, 1, 1000}}, {}};
  const std::vector<Operator>& layer = model.groups[0].operators;
  const OpWork qkv = work(find(layer, "qkv"), step);
  EXPECT_EQ(qkv.m, 4);
  EXPECT_EQ(qkv.n, 4096 + 2 * 1024);
  EXPECT_EQ(qkv.k, 4096);
  EXPECT_EQ(qkv.macs, 4.0 * 6144 * 4096);
  EXPECT_EQ(qkv.weight_read.value, 6144.0 * 4096 * 2);
  EXPECT_EQ(qkv.activation_read.value, 4.0 * 4096 * 2);
  EXPECT_EQ(qkv.activation_written.value, 4.0 * 6144 * 2);

  const OpWork attention = work(find(layer, "attention"), step);
  EXPECT_EQ(attention.n, 1001);
  EXPECT_EQ(attention.k, 32 * 128);
  EXPECT_EQ(attention.macs, 4.0 * 1001 * 32 * (128 + 128));
  EXPECT_EQ(attention.kv_read.value, 4.0 * 1001 * 8 * 256 * 2);
  EXPECT_EQ(attention.kv_written.value, 4.0 * 8 * 256 * 2);
}

TEST(Work, HeadSeesOneTokenPerSequence) {
  const Model model = read_model("llama-3.1-8b");
  const Step step{{{2, 512, 0}, {8, 1, 700}}, {}};
  EXPECT_EQ(work(find(model.epilogue, "head"), step).m, 10);
  EXPECT_EQ(work(find(model.epilogue, "final_norm"), step).m, 10);
  EXPECT_EQ(work(find(model.epilogue, "sampler"), step).m, 10);
  EXPECT_EQ(work(find(model.groups[0].operators, "down"), step).m, 2 * 512 + 8);
}

// Verification of drafts: 3 sequences of 5 new tokens each need all their logits.
TEST(Work, HeadSeesEveryTokenWhoseLogitsAreWanted) {
  const Model model = read_model("llama-3.1-8b");
  const Step step{{{3, 5, 700, 5}, {8, 1, 700}}, {}};
  EXPECT_EQ(work(find(model.epilogue, "head"), step).m, 3 * 5 + 8);
  EXPECT_EQ(work(find(model.epilogue, "sampler"), step).m, 3 * 5 + 8);
  EXPECT_EQ(work(find(model.groups[0].operators, "down"), step).m, 3 * 5 + 8);
}

TEST(Work, WindowBoundsWhatIsReadFromTheCache) {
  const Model model = read_model("gpt-oss-20b");
  const std::vector<Operator>& layers = model.groups[0].operators;
  const double per_key = 8 * (64 + 64) * 2;
  const Step decode{{{1, 1, 4096}}, {}};
  EXPECT_EQ(work(find(layers, "attention.0"), decode).kv_read.value, 128 * per_key);
  EXPECT_EQ(work(find(layers, "attention.1"), decode).kv_read.value, 4097 * per_key);
  // The first of 512 new tokens reaches back 127 keys beyond itself.
  const Step chunk{{{1, 512, 4096}}, {}};
  EXPECT_EQ(work(find(layers, "attention.0"), chunk).kv_read.value, (127 + 512) * per_key);
}

TEST(Work, MacsOfADenseDecodeTokenAreItsParameters) {
  // Every matrix value is used once per token; embedding, norms and attention's products with keys are not
  // matrix values.
  const Model model = read_model("llama-3.1-70b");
  const Step step{{{1, 1, 0}}, {}};
  double macs = 0;
  for_each_operator(model, [&](const Operator& op, std::int64_t repeat) {
    if (!std::holds_alternative<Attention>(op.shape)) {
      macs += work(op, step).macs * static_cast<double>(repeat);
    }
  });
  const double norms = 161.0 * 8192, embedding = 128256.0 * 8192;
  EXPECT_EQ(macs, static_cast<double>(parameters(model).total) - norms - embedding);
}

TEST(Work, LatentAttentionTakesTheCheaperForm) {
  const Model model = read_model("deepseek-v3");
  const Operator& op = find(model.groups[0].operators, "attention");
  const OpWork decode = work(op, Step{{{1, 1, 4095}}, {}});
  EXPECT_EQ(decode.macs, 4096.0 * 128 * (576 + 512));
  EXPECT_EQ(decode.k, 128 * 576);
  EXPECT_EQ(decode.kv_read.value, 4096.0 * 576 * 2);
  const OpWork prefill = work(op, Step{{{1, 4096, 0}}, {}});
  EXPECT_EQ(prefill.macs, 4096.0 * 4097 / 2 * 128 * (192 + 128));
  EXPECT_EQ(prefill.k, 128 * 192);
  // 4096 new on 4096 past: expanded keys and values of the past cost kv_b's MACs again.
  const OpWork chunk = work(op, Step{{{1, 4096, 4096}}, {}});
  EXPECT_EQ(chunk.macs, (4096.0 * 4096 + 4096.0 * 4097 / 2) * 128 * 320 + 4096.0 * 512 * 128 * 256);
  // Verifying 4 drafted tokens stays in latent space.
  const OpWork speculative = work(op, Step{{{1, 4, 4096}}, {}});
  EXPECT_EQ(speculative.macs, (4 * 4096.0 + 10) * 128 * (576 + 512));
}

TEST(Work, NarrowGemmsStillWriteSixteenBits) {
  const Operator op{"w8a8", OpRole::ffn, TensorSplit::columns, Linear{64, 32, Format::fp8, Format::fp8}};
  const OpWork done = work(op, Step{{{1, 1, 0}}, {}});
  EXPECT_EQ(done.activation_read.value, 32);
  EXPECT_EQ(done.activation_written.value, 64 * 2);
}

TEST(Work, ExpertsReadOnlyWhatTheBatchTouches) {
  const Model model = read_model("gpt-oss-120b");
  const Operator& op = find(model.groups[0].operators, "experts.0");
  const OpWork done = work(op, Step{{{8, 1, 100}}, {}});
  const double distinct = 128 * (1 - std::pow(1 - 4.0 / 128, 8));
  EXPECT_EQ(done.m, 32);
  EXPECT_NEAR(done.distinct_experts, distinct, 1e-12);
  const double per_expert = 3.0 * 2880 * 2880 * 4.25 / 8 + 3 * 2880 * 2;
  EXPECT_NEAR(done.weight_read.value, distinct * per_expert, 1e-3);
  EXPECT_EQ(done.macs, 32.0 * 3 * 2880 * 2880);
}

TEST(StepText, HasALinePerOperatorAndTotals) {
  const Model model = read_model("gpt-oss-20b");
  const std::string text = to_text(Step{{parse_decode("64@4096")}, {}}, model);
  EXPECT_THAT(text, HasSubstr("gpt-oss-20b: 64 sequences, 64 new tokens\n  64 x 1 new on 4096 past\n"
                              "  routing uniform\n"));
  EXPECT_THAT(text, HasSubstr("window_full x12\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3 + 2 + 1 + 1 + 1 + 20 + 1 + 3);
}

}  // namespace
}  // namespace memwall
