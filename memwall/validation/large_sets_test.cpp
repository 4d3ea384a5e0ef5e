// Readers of the large sets beside AIConfigurator's tables: a few typed rows of each form, and what they
// refuse.
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "memwall/validation/data_sets.h"
#include "memwall/validation/engine_profiles.h"
#include "memwall/validation/layer_profile.h"
#include "memwall/validation/lone_sequences.h"
#include "memwall/validation/matmul_tables.h"
#include "memwall/validation/profiler_tables.h"
#include "memwall/validation/prompt_times.h"
#include "memwall/validation/serving_points.h"
#include "memwall/validation/validate.h"

namespace memwall {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

struct Taken : MeasurementSink {
  void take(const Measurement& measurement) override { rows.push_back(measurement); }
  void exclude(const std::string& origin, const std::string& reason) override {
    excluded.push_back(origin + ": " + reason);
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    for (const Measurement& row : rows) {
      texts.push_back(fmt::format("{}: {} {:.4g} us", row.system, describe(row), 1e6 * row.value));
    }
    return texts;
  }
  std::vector<Measurement> rows;
  std::vector<std::string> excluded;
};

// A folder of its own with these files.
class Folder {
 public:
  explicit Folder(const std::vector<std::pair<std::string, std::string>>& files)
      : path_(std::filesystem::path(testing::TempDir()) /
              fmt::format("memwall_large_{}_{}", getpid(), count_++)) {
    for (const auto& [name, text] : files) {
      std::filesystem::create_directories((path_ / name).parent_path());
      std::ofstream(path_ / name) << text;
    }
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  static inline int count_ = 0;
  std::filesystem::path path_;
};

Taken read_profiler(const std::string& name, const std::string& text) {
  const Folder folder({{name, text}});
  Taken taken;
  read_profiler_tables(folder.path(), "vidur", taken);
  return taken;
}
Taken read_engine(const std::string& name, const std::string& text) {
  const Folder folder({{name, text}});
  Taken taken;
  read_engine_profiles(folder.path(), taken);
  return taken;
}
template <class Read>
std::string refusal(Read&& read) {
  try {
    read();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}
const GemmOp& gemm_of(const Measurement& measurement) {
  return std::get<GemmOp>(std::get<std::vector<KernelUse>>(measurement.what).front().op);
}

const char* const kLinearTitles =
    "time_stats.emb.median,time_stats.input_layernorm.median,time_stats.attn_pre_proj.median,"
    "time_stats.attn_post_proj.median,time_stats.mlp_up_proj.median,time_stats.mlp_act.median,"
    "time_stats.mlp_down_proj.median,n_head,n_kv_head,n_embd,n_expanded_embd,use_gated_mlp,num_tokens,"
    "num_tensor_parallel_workers\n";

// Llama-2-70B over 8 chips: 64 heads and 8 KV heads of 128, so 8 and 1 a chip.
TEST(ProfilerTables, ALayersGemmsAreOneChipsShares) {
  const Taken taken = read_profiler(
      "mlp_a100_Llama-2-70b-hf.csv",
      std::string(kLinearTitles) + "0.003,0.008,0.02,0.015,0.06,0.003,0.033,64,8,8192,28672,True,16,8\n");
  EXPECT_THAT(taken.texts(), ElementsAre("1xa100: gemm m=16 n=1280 k=8192 fp16 20 us",
                                         "1xa100: gemm m=16 n=8192 k=1024 fp16 15 us",
                                         "1xa100: gemm m=16 n=7168 k=8192 fp16 60 us",
                                         "1xa100: gemm m=16 n=8192 k=3584 fp16 33 us"));
  EXPECT_THAT(taken.excluded, UnorderedElementsAre("vidur: no kernel for emb by itself",
                                                   "vidur: no kernel for a gated mlp_act by itself",
                                                   HasSubstr("an RMS norm of vLLM of 2023")));
  // 10.5 + 8.4 + 58.7 + 29.4 million weights pass between two uses of the first matrix: ten times its own.
  EXPECT_EQ(gemm_of(taken.rows.front()).operand_sets, 10);
}

// Without a gate: a norm over the hidden state and an activation on the chip's share.
TEST(ProfilerTables, WithoutAGateNormAndActivationAreKernels) {
  const Taken taken = read_profiler(
      "mlp_h100_phi-2.csv", std::string(kLinearTitles) + ",0.021,,,,0.034,,32,32,2560,10240,False,4096,2\n");
  EXPECT_THAT(taken.texts(),
              ElementsAre("1xh100: layer_norm 4096 x 2560 21 us", "1xh100: gelu 4096 x 5120 34 us"));
}

TEST(ProfilerTables, NewerTablesSayTheirFormats) {
  const std::string titles =
      "time_stats.mlp_up_proj.median,time_stats.input_layernorm.median,n_head,n_kv_head,n_embd,n_expanded_"
      "embd,"
      "use_gated_mlp,num_tokens,num_tensor_parallel_workers,measurement_type,profiling_precision,"
      "quant_signature\n";
  const Taken taken =
      read_profiler("linear_op_kernel_only_h800_Llama-3.1-405B-Instruct-FP8.csv",
                    titles + "0.55,0.0047,128,8,16384,53248,True,1,1,KERNEL_ONLY,BF16,method=fp8|act=none\n");
  EXPECT_THAT(taken.texts(), ElementsAre("1xh800: gemm m=1 n=106496 k=16384 fp8 550 us",
                                         "1xh800: layer_norm 1 x 16384 4.7 us"));
}

TEST(ProfilerTables, AttentionIsOfSequencesWithPagesOfTheirOwn) {
  const std::string titles =
      "time_stats.attn_kv_cache_save.median,time_stats.attn_prefill.median,time_stats.attn_decode.median,n_"
      "embd,"
      "n_q_head,n_kv_head,num_tensor_parallel_workers,batch_size,prefill_chunk_size,kv_cache_size,is_prefill";
  const std::string rows = "0,0.1,0,4096,32,32,2,1,512,1024,True\n0.003,0,0.2,4096,32,32,1,64,0,2048,False\n";
  const Taken old = read_profiler("attention_a800_Llama-2-7b-hf.csv", titles + "\n" + rows);
  EXPECT_THAT(
      old.texts(),
      ElementsAre(
          "1xa800: attention 16 heads, 16 KV heads, dim 128, 1 sequences, 512 new on 1024, fp16, KV fp16 "
          "100 us",
          "1xa800: attention 32 heads, 32 KV heads, dim 128, 64 sequences, 1 new on 2048, fp16, KV fp16 "
          "200 us"));
  EXPECT_THAT(old.excluded, ElementsAre("vidur: no kernel for attn_kv_cache_save by itself"));
  const Taken newer = read_profiler("attention_kernel_only_h800_x.csv",
                                    titles +
                                        ",mode,seq_lens\n"
                                        "0,0.1,0,4096,32,32,1,1,512,0,True,even,[512]\n"
                                        "0,0,0.2,4096,32,32,1,2,0,64,False,even,\"[1, 1]\"\n"
                                        "0,0.1,0.2,4096,32,32,1,2,0,64,True,true_mixed,[]\n");
  EXPECT_EQ(newer.rows.size(), 1u);
  EXPECT_THAT(newer.excluded,
              UnorderedElementsAre(HasSubstr("same pages"), "vidur: prompts and decodes in one batch"));
}

TEST(ProfilerTables, ExpertsAreTheirGemmsOnAnEvenShare) {
  const Taken taken = read_profiler(
      "moe_a100_mixtral_8x7b_moe.csv",
      "time_stats.moe_gating.median,time_stats.moe_grouped_gemm.median,time_stats.moe_expert_up_proj.median,"
      "time_stats.moe_expert_down_proj.median,num_tokens,num_experts,router_topk,hidden_dim,expert_hidden_"
      "dim,"
      "use_gated,num_tensor_parallel_workers\n0.06,12,0.9,0.5,4096,8,2,4096,14336,True,2\n");
  EXPECT_THAT(taken.texts(), ElementsAre("1xa100: gemm m=1024 n=14336 k=4096 fp16 900 us",
                                         "1xa100: gemm m=1024 n=4096 k=7168 fp16 500 us"));
  EXPECT_EQ(taken.excluded.size(), 2u);
}

TEST(ProfilerTables, CollectivesAreThoseOfOneBoxOfTheCard) {
  const Taken taken =
      read_profiler("a100_dgx_all_reduce.csv",
                    "time_stats.all_reduce.median,time_stats.send_recv.median,num_workers,size,"
                    "collective,devices_per_node,max_devices_per_node\n"
                    "0.43,,2,67108864,all_reduce,2,8\n"
                    "0.43,,4,67108864,all_reduce,2,8\n"
                    "0.43,,4,67108864,all_reduce,4,4\n"
                    ",0.01,2,2048,send_recv,2,8\n");
  EXPECT_THAT(taken.texts(), ElementsAre("2xa100: all-reduce 67.1 MB over 2 chips, nccl 430 us"));
  EXPECT_THAT(taken.excluded, ElementsAre("vidur: between boxes, over a network that is not stated",
                                          "vidur: a100 in boxes of 4, other boards than the card's",
                                          "vidur: no kernel for send_recv by itself"));
}

TEST(ProfilerTables, RefuseWhatTheyDoNotSay) {
  EXPECT_THAT(read_profiler("mlp_x9000_m.csv", "a\n1\n2\n").excluded,
              ElementsAre("vidur: mlp_x9000_m.csv: no card of its chip",
                          "vidur: mlp_x9000_m.csv: no card of its chip"));
  EXPECT_THAT(refusal([] { read_profiler("mlp_a100_m.csv", "a,b\n1,2\n"); }),
              HasSubstr("mlp_a100_m.csv: columns: found 'a' and others, expected those of operators"));
  const auto linear = [](const std::string& row) {
    return refusal([&] { read_profiler("mlp_a100_m.csv", kLinearTitles + row); });
  };
  EXPECT_THAT(linear("x,,,,,,,64,8,8192,28672,True,16,8\n"), HasSubstr("time_stats.emb.median: found 'x'"));
  EXPECT_THAT(linear(",,0.1,,,,,0,8,8192,28672,True,16,8\n"), HasSubstr("csv:2:0: n_head: found '0'"));
  EXPECT_THAT(linear(",,0.1,,,,,64,8,8192,28672,,16,8\n"), HasSubstr("use_gated_mlp: found an empty cell"));
  EXPECT_THAT(refusal([] {
                read_profiler("attention_a100_m.csv",
                              "time_stats.attn_decode.median,n_embd,n_q_head,n_kv_head,"
                              "num_tensor_parallel_workers,batch_size,kv_cache_size,is_prefill\n"
                              "0.1,4096,32,5,1,1,64,False\n");
              }),
              HasSubstr("n_kv_head: found 5, expected a divisor of the heads"));
}

TEST(EngineProfiles, EachTableHasItsKernels) {
  const Taken dense =
      read_engine("dense_RTX4090_Llama-3.1-8B_tp1.csv",
                  "layer,tokens,time_us\nqkv_proj,64,60\ngate_up_proj,1,247\nlayernorm,1,2\n");
  EXPECT_THAT(dense.texts(), ElementsAre("1xrtx4090: gemm m=64 n=6144 k=4096 bf16 60 us",
                                         "1xrtx4090: gemm m=1 n=28672 k=4096 bf16 247 us"));
  EXPECT_THAT(dense.excluded, ElementsAre("llmservingsim: no kernel for layernorm by itself"));
  EXPECT_THAT(read_engine("per_sequence_RTXPRO6000_Qwen3-30B-A3B-Instruct-2507_tp2.csv",
                          "layer,sequences,time_us\nlm_head,8,200\n")
                  .texts(),
              ElementsAre("1xrtxpro6000: gemm m=8 n=75968 k=2048 bf16 200 us"));
  const Taken attention = read_engine("attention_RTX4090_Llama-3.1-8B_tp1.csv",
                                      "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n"
                                      "0,0,8,1024,55\n128,512,0,0,30\n16,16,1,16,9\n");
  EXPECT_THAT(
      attention.texts(),
      ElementsAre(
          "1xrtx4090: attention 32 heads, 8 KV heads, dim 128, 8 sequences, 1 new on 1024, bf16, KV bf16 "
          "55 us",
          "1xrtx4090: attention 32 heads, 8 KV heads, dim 128, 1 sequences, 128 new on 512, bf16, KV bf16 "
          "30 us"));
  EXPECT_THAT(attention.excluded, ElementsAre("llmservingsim: prompts and decodes in one kernel"));
  EXPECT_THAT(
      read_engine("v0_layers_TPU-v6e-1_Llama-3.1-8B_tp1.csv",
                  "layer_name,input,kv_cache,tp_size,latency(ns)\nq_proj,2,0,1,22639\nq_proj,1,0,1,9\n")
          .texts(),
      ElementsAre("1xtpu-v6e: gemm m=2 n=4096 k=4096 bf16 22.64 us"));
}

// 2 tokens with 8 experts each, 16 pairs on 5 experts: four and three each.
TEST(EngineProfiles, PairsFallOnTheActiveExpertsAlike) {
  const Taken taken = read_engine("moe_RTXPRO6000_Qwen3-30B-A3B-Instruct-2507_tp1.csv",
                                  "tokens,activated_experts,time_us\n2,5,135\n");
  ASSERT_EQ(taken.rows.size(), 1u);
  const auto& op = std::get<ExpertsOp>(std::get<std::vector<KernelUse>>(taken.rows[0].what).front().op);
  EXPECT_EQ(describe(op), "experts 8 of 128, 2048 x 768, 2 tokens, tp1 ep1, bf16");
  EXPECT_EQ(op.routing.histogram.size(), 128u);
  EXPECT_EQ(std::vector<double>(op.routing.histogram.begin(), op.routing.histogram.begin() + 6),
            (std::vector<double>{4, 3, 3, 3, 3, 0}));
}

TEST(EngineProfiles, RefuseWhatTheyDoNotSay) {
  EXPECT_THAT(read_engine("dense_RTX9999_Llama-3.1-8B_tp1.csv", "a\n1\n").excluded,
              ElementsAre(HasSubstr("no card of its chip")));
  EXPECT_THAT(read_engine("dense_RTX4090_other_tp1.csv", "a\n1\n").excluded,
              ElementsAre(HasSubstr("no sizes of its model")));
  EXPECT_THAT(read_engine("odd_RTX4090_Llama-3.1-8B_tp1.csv", "a\n1\n").excluded,
              ElementsAre(HasSubstr("no reader for such a table")));
  EXPECT_THAT(refusal([] { read_engine("dense_RTX4090.csv", "a\n1\n"); }),
              HasSubstr("name: found 'dense_RTX4090.csv', expected PART_CHIP_MODEL_tpN.csv"));
  EXPECT_THAT(refusal([] { read_engine("dense_RTX4090_Llama-3.1-8B_tp1.csv", "layer,tokens\no_proj,1\n"); }),
              HasSubstr("columns: found no column 'time_us'"));
  EXPECT_THAT(refusal([] {
                read_engine("moe_RTXPRO6000_Qwen3-30B-A3B-Instruct-2507_tp1.csv",
                            "tokens,activated_experts,time_us\n1,9,50\n");
              }),
              HasSubstr("activated_experts: found 9, expected at most the experts"));
}

// The host takes the short prompts; a batch that takes no longer than its half did not run at once.
TEST(PromptTimes, AreThoseThatTheHostDoesNotTake) {
  const std::string titles =
      "model,hardware,prompt_size,batch_size,token_size,prompt_time,token_time,tensor_parallel\n";
  Taken taken;
  read_prompt_times(Table(titles + "llama2-70b,h100-80gb,128,1,128,48,28,8\n"
                                   "llama2-70b,h100-80gb,512,8,128,380,31,8\n"
                                   "llama2-70b,h100-80gb,512,16,128,360,31,8\n"
                                   "bloom-176b,h100-80gb,512,8,128,620,38,8\n",
                          "p.csv"),
                    taken);
  ASSERT_EQ(taken.rows.size(), 1u);
  EXPECT_EQ(taken.rows[0].system, "8xh100");
  EXPECT_EQ(describe(taken.rows[0]), "llama-2-70b tp8, 8 sequences, 512 in, 1 out, end to end");
  EXPECT_DOUBLE_EQ(taken.rows[0].value, 0.38);
  EXPECT_THAT(taken.excluded, testing::Contains(HasSubstr("prompts under twice the shortest")));
  EXPECT_THAT(taken.excluded, testing::Contains(HasSubstr("not all at once")));
  EXPECT_THAT(taken.excluded, testing::Contains("splitwise: no card of the model bloom-176b"));
  EXPECT_EQ(std::count(taken.excluded.begin(), taken.excluded.end(),
                       "splitwise: times of further tokens: the host's, alike on 4 and on 8 chips"),
            4);
  EXPECT_THAT(refusal([&] { read_prompt_times(Table(titles + "m,h,0,1,1,1,1,1\n", "p.csv"), taken); }),
              HasSubstr("p.csv:2:0: prompt_size: found '0'"));
}

// 64 open requests that wait 1 s and decode for 1000 x 3 ms are 48 in decode. Without a concurrency it is the
// batch of every rank; a degree of 0 is none.
TEST(ServingPoints, AreServingsOfAnEngine) {
  const std::string titles =
      "backend,model_path,system,precision,isl,osl,batch_size,tp_size,pp_size,attention_dp_size,moe_ep_size,"
      "concurrency,ttft_ms,tpot_ms,tpot_ms_min,tpot_ms_max,spec_decoding\n";
  Taken taken;
  const auto read = [&](const std::string& row) {
    read_serving_points(Table(titles + row + "\n", "s.csv"), taken);
  };
  read("vllm,meta-llama/Llama-3.1-70B,h200_sxm,fp8,1024,1000,64,8,1,1,1,64,1000,3,3,3,off");
  read("trtllm,Qwen/Qwen3-32B,h100_sxm,fp8,4000,1000,32,1,1,2,0,,1,22,22,22,off");
  EXPECT_THAT(
      taken.texts(),
      ElementsAre("8xh200: vllm: llama-3.1-70b@fp8 tp8, 48 sequences, 1024 in, 1000 out, steadily 3000 us",
                  "2xh100: trtllm: qwen3-32b@fp8/fp8 tp1 dp2, 64 sequences, 4000 in, 1000 out, steadily "
                  "2.2e+04 us"));
  read("trtllm,a/Odd,h100_sxm,fp8,4000,1000,32,1,1,2,0,,1,22,22,22,off");
  read("trtllm,a/Odd,h100_sxm,fp8,4000,1000,32,1,1,2,0,,1,22,22,22,unknown");
  read("trtllm,Qwen/Qwen3-32B,h100_sxm,fp8,4000,1000,32,1,1,2,0,,1,22,20,25,off");
  read("trtllm,Qwen/Qwen3-32B,h100_sxm,fp8,4000,1000,32,16,1,1,0,,1,22,22,22,off");
  EXPECT_THAT(taken.excluded,
              ElementsAre("serving: no card of Odd in fp8", "serving: may speculate tokens",
                          HasSubstr("repetitions differ"), HasSubstr("more tensor parallelism")));
  EXPECT_THAT(refusal([&] { read("v,Qwen/Qwen3-32B,h100_sxm,fp8,0,1,1,1,1,1,1,1,1,1,1,1,off"); }),
              HasSubstr("s.csv:2:0: isl: found '0'"));
}

// A card with its weights, and its cache, in other formats.
TEST(ModelShelf, ReadsACardInOtherFormats) {
  ModelShelf shelf;
  const Model& narrow = shelf.get("llama-3.1-8b@fp8");
  EXPECT_EQ(weight_format(narrow), Format::fp8);
  EXPECT_EQ(weight_format(shelf.get("llama-3.1-8b")), Format::bf16);
  EXPECT_EQ(&narrow, &shelf.get("llama-3.1-8b@fp8"));
  EXPECT_EQ(2 * kv_bytes_per_token(shelf.get("llama-3.1-8b@fp8/fp8")).value,
            kv_bytes_per_token(narrow).value);
  for (const char* name : {"llama-3.1-8b@fp7", "llama-3.1-8b@fp8/", "llama-3.1-8b@"}) {
    EXPECT_THAT(refusal([&] { shelf.get(name); }), HasSubstr("expected CARD@WEIGHTS or CARD@WEIGHTS/CACHE"))
        << name;
  }
}

// 2 x 2048 x 2048 x 13312 operations at 794.5 TFLOP/s.
TEST(MatmulTables, RatesAreTimes) {
  const std::string titles = "accelerator,dtype,achieved_tflops,M,N,K\n";
  Taken taken;
  read_best_matmuls(Table(titles + "NVIDIA H100 SXM,bf16,794.5,2048,2048,13312\n"
                                   "NVIDIA H100 SXM,fp8,1402,1024,9216,14336\nIntel Gaudi 2,bf16,418,1,1,1\n",
                          "m.csv"),
                    taken);
  EXPECT_THAT(taken.texts(), ElementsAre("1xh100: gemm m=2048 n=2048 k=13312 bf16 140.6 us"));
  EXPECT_THAT(taken.excluded,
              ElementsAre(HasSubstr("fp8 without quantising"), "mamf: no card of Intel Gaudi 2"));
  EXPECT_THAT(refusal([&] { read_best_matmuls(Table(titles + "a,fp7,1,1,1,1\n", "m.csv"), taken); }),
              HasSubstr("m.csv:2:0: dtype: found 'fp7', expected bf16 or fp8"));
}

TEST(MatmulTables, TheShortestRowIsTheHarness) {
  Taken taken;
  read_mi210_matmuls(
      Table("M,K,N,latency_ms,tflops\n8192,32,32,0.0333,0.5\n64,12288,12288,0.5584,34\n", "m.csv"), taken);
  EXPECT_THAT(taken.texts(), ElementsAre("1xmi210: gemm m=8192 n=32 k=32 fp16 33.3 us",
                                         "1xmi210: gemm m=64 n=12288 k=12288 fp16 558.4 us"));
  const auto& use = std::get<std::vector<KernelUse>>(taken.rows[1].what).front();
  EXPECT_DOUBLE_EQ(use.floor->value, 33.3e-6);
  EXPECT_THAT(refusal([&] { read_mi210_matmuls(Table("M,K,N,latency_ms\n1,1,1,-2\n", "m.csv"), taken); }),
              HasSubstr("latency_ms: found '-2'"));
}

// 100 tokens a second after a prompt of 512: 5.12 s of prefill, 10 ms a step at a mean context of 257.
TEST(LoneSequences, ArePrefillsAndSteps) {
  const std::string titles = "device,model,phase,tokens,num_gpus,tok_s\n";
  Taken taken;
  read_lone_sequences(
      Table(titles + "4090,llama 8B F16,prefill,512,1,100\n4090,llama 8B F16,decode,512,1,100\n"
                     "4090,llama 8B F16,decode,512,2,100\n3090,llama 8B F16,decode,512,1,100\n"
                     "4090,llama 8B Q4_K - Medium,decode,512,1,100\n"
                     "A100_SXM,llama 8B F16,decode,512,1,100\n",
            "l.csv"),
      taken);
  ASSERT_EQ(taken.rows.size(), 2u);
  EXPECT_DOUBLE_EQ(taken.rows[0].value, 5.12);
  EXPECT_EQ(std::get<StepRun>(taken.rows[0].what).kind, StepRun::Kind::generation);
  EXPECT_DOUBLE_EQ(taken.rows[1].value, 0.01);
  EXPECT_EQ(std::get<StepRun>(taken.rows[1].what).mean_context(), 257);
  EXPECT_EQ(taken.excluded.size(), 4u);
  EXPECT_THAT(refusal([&] { read_lone_sequences(Table(titles + "4090,m,idle,1,1,1\n", "l.csv"), taken); }),
              HasSubstr("phase: found 'idle', expected prefill or decode"));
}

TEST(LayerProfile, FindsTheCardInAName) {
  EXPECT_EQ(card_in("mlp_a100_Llama-2-7b-hf.csv.gz"), "a100");
  EXPECT_EQ(card_in("h100_dgx_all_reduce.csv"), "h100");
  EXPECT_EQ(card_in("v0_layers_TPU-v6e-1_Llama-3.1-8B_tp1.csv.gz"), "tpu-v6e");
  EXPECT_EQ(card_in("dense_RTXPRO6000_Qwen_tp1.csv"), "rtxpro6000");
  EXPECT_EQ(card_in("mlp_a6000_x.csv"), std::nullopt);
}

// What is not scored says so, one line for each set; what is scored is found by its folder.
TEST(LargeSets, AreFoundByFolderOrSayWhyNot) {
  const Folder folder(
      {{"mlperf/mlperf_v5.1_closed_llm.csv", "a\n1\n2\n"},
       {"neuron/inf2_decoder.csv", "a\n1\n"},
       {"distserve/fits_a100_80g.json", "{}"},
       {"mamf/max_achieved_matmul.csv",
        "accelerator,dtype,achieved_tflops,M,N,K\nNVIDIA H100 SXM,bf16,794.5,2048,2048,13312\n"}});
  struct Large : Taken {
    void take(const Measurement& measurement) override {
      if (is_never_fitted_to(measurement)) {
        Taken::take(measurement);
      }
    }
  } taken;
  MeasurementSources sources;
  sources.data = folder.path();
  read_measurements(sources, taken);
  EXPECT_THAT(taken.texts(), ElementsAre("1xh100: gemm m=2048 n=2048 k=13312 bf16 140.6 us"));
  EXPECT_EQ(std::count_if(taken.excluded.begin(), taken.excluded.end(),
                          [](const std::string& each) { return each.starts_with("mlperf: mlperf_v5.1"); }),
            2);
  EXPECT_THAT(taken.excluded, testing::Contains("neuron: inf2_decoder.csv: no card of Inferentia2"));
  EXPECT_THAT(taken.excluded, testing::Contains("distserve: coefficients of a fit, no measurements"));
}

// A matrix of 134 MB in 20 us would be 6.7 TB/s from a memory of 3.35: those rows are scored, but no error
// bar is made of them.
TEST(LargeSets, RowsFromTheCacheMakeNoErrorBar) {
  std::string table = "gemm_dtype,m,n,k,latency_ms\n";
  for (int m = 1; m <= 40; ++m) {
    table += fmt::format("bfloat16,{},8192,8192,0.050\nbfloat16,{},16384,4096,0.020\n", m, m);
  }
  const Folder folder({{"aiconfigurator/gemm_h100_sxm_x.csv", table}});
  ProcessorRegistry processors("processor family");
  register_builtin_processors(processors);
  MeasurementSources sources;
  sources.data = folder.path();
  const Validation validation = validate(sources, processors, "gemm_bf16_decode");
  ASSERT_EQ(validation.sets.size(), 1u);
  EXPECT_EQ(validation.sets[0].calibrated.n, 80);
  ASSERT_EQ(validation.residuals.size(), 1u);
  EXPECT_LE(validation.residuals[0].n, 40);
  EXPECT_GT(validation.residuals[0].low, -0.3);
}

}  // namespace
}  // namespace memwall
