// AIConfigurator's tables as kernels, and the loads that its collector gives to experts.
#include "memwall/validation/kernel_tables.h"

#include <filesystem>
#include <fstream>
#include <numeric>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "memwall/hardware/chip.h"
#include "memwall/validation/collector_routing.h"
#include "memwall/validation/kernel_class.h"
#include "memwall/validation/untuned_layers.h"

namespace memwall {
namespace {

struct Taken : MeasurementSink {
  void take(const Measurement& measurement) override {
    rows.push_back(measurement.system + ": " + describe(measurement));
    values.push_back(measurement.value);
    steady.push_back(std::get<std::vector<KernelUse>>(measurement.what).front().is_steady);
  }
  void exclude(const std::string&, const std::string& reason) override { excluded.push_back(reason); }
  std::vector<std::string> rows, excluded;
  std::vector<double> values;
  std::vector<bool> steady;
};

using Files = std::vector<std::pair<std::string, std::string>>;  // name, text
struct Folder {
  explicit Folder(const Files& files)
      : path(std::filesystem::path(testing::TempDir()) / ("memwall_tables_" + std::to_string(getpid()))) {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
    for (const auto& [name, text] : files) {
      std::ofstream(path / name) << text;
    }
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path path;
};

Taken read(const Files& files) {
  const Folder folder(files);
  Taken taken;
  read_kernel_tables(folder.path, taken);
  return taken;
}

TEST(KernelTables, EveryTableHasItsKernel) {
  const Taken taken = read({
      {"gemm_h100_sxm_trtllm-1.csv",
       "gemm_dtype,m,n,k,latency_ms\nfp8,1,32,64,0.002\nint4_wo,1,32,64,0.003\n"},
      {"generation_attention_h100_sxm_x.csv",
       "attn_dtype,kv_cache_dtype,batch_size,kv_len,num_heads,num_key_value_heads,head_dim,window_size,"
       "latency_ms\n"
       "bfloat16,fp8,8,1024,32,8,128,128,0.02\n"},
      {"context_mla_h100_sxm_x.csv",
       "mla_dtype,kv_cache_dtype,num_heads,batch_size,isl,latency_ms\nbfloat16,bfloat16,16,2,512,0.05\n"},
      {"moe_h100_sxm_x.csv",
       "moe_dtype,num_tokens,hidden_size,inter_size,topk,num_experts,moe_tp_size,moe_ep_size,distribution,"
       "latency_ms\n"
       "fp8_block,16,7168,2048,8,256,2,4,balanced,0.3\n"},
      {"nccl_h100_sxm_x.csv",
       "op_name,nccl_dtype,num_gpus,message_size,latency_ms\nall_reduce,half,8,512,0.01\n"
       "all_gather,half,8,512,0.01\n"},
      {"custom_allreduce_h100_sxm_x.csv",
       "op_name,allreduce_dtype,num_gpus,message_size,latency_ms\nall_reduce,bfloat16,2,128,0.004\n"},
  });
  EXPECT_THAT(taken.rows,
              testing::ElementsAre(
                  "1xh100: attention 16 latent heads, 2 sequences, 512 new on 0, bf16, KV bf16",
                  "2xh100: all-reduce 256 B over 2 chips, auto", "1xh100: gemm m=1 n=32 k=64 fp8",
                  "1xh100: gemm m=1 n=32 k=64 bf16 x int4",
                  "1xh100: attention 32 heads, 8 KV heads, dim 128, window 128, 8 sequences, 1 new on "
                  "1024, bf16, KV fp8",
                  "8xh100: experts 8 of 256, 7168 x 2048, 16 tokens, tp2 ep4, fp8_block",
                  "8xh100: all-reduce 1.02 kB over 8 chips, nccl"));
  EXPECT_DOUBLE_EQ(taken.values[2], 2e-6);
  EXPECT_THAT(taken.excluded, testing::ElementsAre("nccl h100: no kernel for all_gather by itself"));
}

std::string engine_of(const std::string& row) {
  struct Engines : MeasurementSink {
    void take(const Measurement& measurement) override {
      const KernelOp& op = std::get<std::vector<KernelUse>>(measurement.what).front().op;
      engine = std::get<AttentionOp>(op).engine;
    }
    void exclude(const std::string&, const std::string&) override {}
    std::string engine;
  } engines;
  const Folder folder({{"context_attention_b300_sxm_trtllm-1.csv",
                        "attn_dtype,kv_cache_dtype,batch_size,isl,num_heads,num_key_value_heads,head_dim,"
                        "window_size,latency_ms\n" +
                            row}});
  read_kernel_tables(folder.path, engines);
  return engines.engine;
}

// Gemma's layers in 16 bits were timed without the kernel that prepares keys.
TEST(KernelTables, GemmaRunsInAnotherEngine) {
  EXPECT_EQ(engine_of("bfloat16,bfloat16,1,512,8,1,512,0,0.02\n"), "vllm");
  EXPECT_EQ(engine_of("bfloat16,bfloat16,1,512,8,4,256,1024,0.02\n"), "vllm");
  EXPECT_EQ(engine_of("bfloat16,fp8,1,512,8,4,256,1024,0.02\n"), "tensorrt-llm");
  EXPECT_EQ(engine_of("bfloat16,bfloat16,1,512,8,4,256,0,0.02\n"), "tensorrt-llm");
}

// A board that was at its power limit had lowered its clock; one that was below it, or that nobody asked, ran
// at the full clock.
TEST(KernelTables, RowsAtThePowerLimitAreSteady) {
  const std::string titles = "gemm_dtype,m,n,k,latency_ms,power_w,power_limit_w\n";
  EXPECT_EQ(read({{"gemm_b200_sxm_x.csv", titles + "bfloat16,8192,8192,8192,0.7,985,1000\n" +
                                              "bfloat16,8192,8192,8192,0.7,940,1000\n"}})
                .steady,
            (std::vector<bool>{true, false}));
  EXPECT_EQ(read({{"gemm_h100_sxm_x.csv", "gemm_dtype,m,n,k,latency_ms\nbfloat16,1,1,1,1\n"}}).steady,
            std::vector<bool>{false});
}

TEST(KernelTables, SaysWhatItHasNoCardOrReaderFor) {
  const Taken taken = read({{"gemm_x9000_sxm_x.csv", "gemm_dtype,m,n,k,latency_ms\nfp8,1,32,64,0.002\n"},
                            {"gemm_h100_sxm_x.csv", "gemm_dtype,m,n,k,latency_ms\nfp5,1,32,64,0.002\n"},
                            {"wideep_h100.csv", "a\n1\n"},
                            {"notes.txt", "x"}});
  EXPECT_TRUE(taken.rows.empty());
  EXPECT_THAT(taken.excluded,
              testing::ElementsAre("gemm h100: no number format like fp5", "gemm x9000: no card of this chip",
                                   "wideep_h100.csv: no reader for such a table"));
}

double sum(const Routing& routing) {
  return std::accumulate(routing.histogram.begin(), routing.histogram.end(), 0.0);
}

TEST(CollectorRouting, EveryPairGoesToAnExpert) {
  for (const char* name : {"balanced", "power_law_1.01", "power_law_1.2"}) {
    for (const CollectorLayer& layer : {CollectorLayer{1, 8, 2}, CollectorLayer{16, 256, 8, 4},
                                        CollectorLayer{4096, 128, 4}, CollectorLayer{2, 256, 8, 16}}) {
      const Routing routing = collector_routing(name, layer);
      EXPECT_EQ(routing.kind, Routing::Kind::dealt);
      const int dealings = std::string_view(name) == "balanced" ? 1 : kDealings;
      ASSERT_EQ(routing.histogram.size(), static_cast<std::size_t>(dealings * layer.num_experts));
      EXPECT_EQ(sum(routing), static_cast<double>(dealings * layer.tokens * layer.top_k))
          << name << " " << layer.tokens;
      // No expert gets a token twice, none less than nothing.
      EXPECT_LE(*std::max_element(routing.histogram.begin(), routing.histogram.end()),
                static_cast<double>(layer.tokens));
      EXPECT_GE(*std::min_element(routing.histogram.begin(), routing.histogram.end()), 0);
      EXPECT_EQ(routing.histogram, collector_routing(name, layer).histogram);
    }
  }
  EXPECT_THROW(collector_routing("power_law_0.5", {}), std::invalid_argument);
  EXPECT_THROW(collector_routing("zipf", {}), std::invalid_argument);
}

// 16 tokens with 8 experts each: 128 pairs on 128 of 256 experts, 32 of them in each of four groups.
TEST(CollectorRouting, BalancedPairsReachAllGroups) {
  const Routing routing = collector_routing("balanced", {16, 256, 8});
  EXPECT_DOUBLE_EQ(expected_distinct_experts(256, 8, 16, routing), 128);
  EXPECT_DOUBLE_EQ(expected_imbalance(256, 8, 4, routing), 1);
}

TEST(CollectorRouting, ThePowerLawIsSkewed) {
  const Routing routing = collector_routing("power_law_1.2", {4096, 128, 4});
  EXPECT_GT(expected_imbalance(128, 4, 8, routing), 1.3);
}

// Two layers whose experts have one shape on one chip: 256 experts in two groups with top-8 and 512 in four
// with top-10. The first is timed at its roofline, the other four times as far from it.
TEST(UntunedLayers, OneOfTwoThatShareAFileNameIsSlow) {
  ExpertsOp tuned;
  tuned.shape.num_experts = 256;
  tuned.shape.experts_per_token = 8;
  tuned.shape.width = 4096;
  tuned.shape.intermediate = 1024;
  tuned.ep = 2;
  tuned.tokens = 64;
  ExpertsOp slow = tuned;
  slow.shape.num_experts = 512;
  slow.shape.experts_per_token = 10;
  slow.ep = 4;
  for (ExpertsOp* op : {&tuned, &slow}) {
    op->routing =
        collector_routing("balanced", {64, op->shape.num_experts, op->shape.experts_per_token, op->ep});
  }
  const Chip chip = read_chip("h100");
  // All 128 experts of a chip are read: 128 x 3 x 4096 x 1024 values of 2 bytes at 3.35 TB/s.
  const double roofline = 128 * 3 * 4096.0 * 1024 * 2 / 3.35e12;
  UntunedLayers layers(chip);
  layers.add(tuned, "balanced", 1.1 * roofline);
  layers.add(slow, "balanced", 5 * roofline);
  layers.add(slow, "power_law_1.2", 1.5 * roofline);
  EXPECT_FALSE(layers.contains(tuned, "balanced"));
  EXPECT_TRUE(layers.contains(slow, "balanced"));
  EXPECT_FALSE(layers.contains(slow, "power_law_1.2"));
  // Alone under its name, a layer is what it is.
  ExpertsOp wider = slow;
  wider.shape.width = 8192;
  layers.add(wider, "balanced", 20 * roofline);
  EXPECT_FALSE(layers.contains(wider, "balanced"));
}

TEST(KernelClass, RegimesFollowWhatLimitsAKernel) {
  const auto regime = [](const KernelOp& op, double seconds) {
    return features(op, Seconds(seconds)).regime;
  };
  EXPECT_EQ(regime(GemmOp{64, 1024, 1024}, 1), Regime::decode);
  EXPECT_EQ(regime(GemmOp{65, 1024, 1024}, 1), Regime::middle);
  EXPECT_EQ(regime(GemmOp{2048, 1024, 1024}, 1), Regime::prefill);
  EXPECT_EQ(regime(GemmOp{64, 1023, 1024}, 1), Regime::small);
  AttentionOp attention;
  attention.slice = {8, 1, 1023};
  EXPECT_EQ(regime(attention, 20e-6), Regime::brief);
  EXPECT_EQ(regime(attention, 21e-6), Regime::steady);
  EXPECT_EQ(features(attention, Seconds(1)).kind, KernelKind::decode_attention);
  EXPECT_DOUBLE_EQ(features(attention, Seconds(1)).sizes[1], 1024);  // context
  attention.slice = {8, 512, 0};
  EXPECT_EQ(features(attention, Seconds(1)).kind, KernelKind::prefill_attention);
}

}  // namespace
}  // namespace memwall
