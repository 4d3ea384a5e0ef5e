// Rows of every format become the kernels and steps that they are of.
#include <filesystem>
#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/config_reader.h"
#include "memwall/validation/figure_rows.h"
#include "memwall/validation/kernel_rows.h"
#include "memwall/validation/ml_energy.h"
#include "memwall/validation/step_rows.h"

namespace memwall {
namespace {

using testing::HasSubstr;

struct Taken : MeasurementSink {
  void take(const Measurement& measurement) override { rows.push_back(measurement); }
  void exclude(const std::string& origin, const std::string& reason) override {
    excluded.push_back(origin + ": " + reason);
  }
  std::vector<Measurement> rows;
  std::vector<std::string> excluded;
};

using Reader = void (*)(const Table&, const std::string&, MeasurementSink&);

Taken read(Reader reader, const std::string& text) {
  Taken taken;
  reader(Table(text, "r.csv"), "set", taken);
  return taken;
}
std::string refusal(Reader reader, const std::string& text) {
  try {
    read(reader, text);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}
const KernelUse& kernel(const Measurement& measurement) {
  return std::get<std::vector<KernelUse>>(measurement.what).front();
}

TEST(KernelRows, EachKernelHasItsColumns) {
  const Taken taken =
      read(read_kernel_rows,
           "chip,kernel,format,m,n,k,batch,sequences,past_tokens,heads,kv_heads,head_dim,kv_format,tokens,"
           "experts,top_k,width,intermediate,ep,bytes,chips,algorithm,rows,floor_us,measured_us\n"
           "h100,gemm,fp8,64,128,256,2,,,,,,,,,,,,,,,,,,12.5\n"
           "h100,attention,,,,,,8,4096,32,8,128,fp8,,,,,,,,,,,,20\n"
           "h100,moe,bf16,,,,,,,,,,,16,128,4,2880,1440,2,,,,,,30\n"
           "h100,all_reduce,,,,,,,,,,,,,,,,,,65536,8,nccl,,,40\n"
           "h100,softmax,,,,,,,,,,,,,,,1024,,,,,,512,12,50\n");
  ASSERT_EQ(taken.rows.size(), 5u);
  EXPECT_EQ(describe(taken.rows[0]), "gemm m=64 n=128 k=256 fp8 x2");
  EXPECT_DOUBLE_EQ(taken.rows[0].value, 12.5e-6);
  EXPECT_EQ(describe(taken.rows[1]),
            "attention 32 heads, 8 KV heads, dim 128, 8 sequences, 1 new on 4096, bf16, KV fp8");
  EXPECT_EQ(describe(taken.rows[2]), "experts 4 of 128, 2880 x 1440, 16 tokens, tp1 ep2, bf16");
  EXPECT_EQ(taken.rows[2].system, "2xh100");
  EXPECT_EQ(describe(taken.rows[3]), "all-reduce 65.5 kB over 8 chips, nccl");
  EXPECT_EQ(taken.rows[3].system, "8xh100");
  EXPECT_EQ(describe(taken.rows[4]), "softmax 512 x 1024");
  EXPECT_DOUBLE_EQ(kernel(taken.rows[4]).floor->value, 12e-6);
}

// The rows of a sum are one measurement on as many chips as its largest collective has.
TEST(KernelRows, RowsOfOneSumAreAdded) {
  const Taken taken = read(read_kernel_rows,
                           "chip,kernel,m,n,k,bytes,chips,sum,times,excluded,measured_us\n"
                           "h100,gemm,1,2,3,,,layer,3,,10\n"
                           "h100,all_reduce,,,,4096,4,layer,,,5\n"
                           "h100,gemm,4,5,6,,,,,,7\n"
                           "h100,gemm,4,5,6,,,,,throttled,7\n");
  ASSERT_EQ(taken.rows.size(), 2u);
  EXPECT_NEAR(taken.rows[0].value, 35e-6, 1e-18);
  EXPECT_EQ(taken.rows[0].system, "4xh100");
  EXPECT_EQ(describe(taken.rows[0]), "layer: 2 kernels");
  EXPECT_EQ(taken.rows[1].system, "1xh100");
  EXPECT_THAT(taken.excluded, testing::ElementsAre("set: throttled"));
}

TEST(KernelRows, RefusesWhatIsNoKernel) {
  const std::string titles = "chip,kernel,m,n,k,format,heads,kv_heads,head_dim,sequences,measured_us\n";
  EXPECT_THAT(refusal(read_kernel_rows, titles + "h100,gem,1,1,1,,,,,,1\n"),
              HasSubstr("r.csv:2:0: kernel: found 'gem', expected one of all_reduce, attention, gelu"));
  EXPECT_THAT(refusal(read_kernel_rows, titles + "h100,gemm,1,1,1,fp7,,,,,1\n"),
              HasSubstr("format: found 'fp7'"));
  EXPECT_THAT(refusal(read_kernel_rows, titles + "h100,gemm,1,,1,,,,,,1\n"),
              HasSubstr("n: found an empty cell"));
  EXPECT_THAT(refusal(read_kernel_rows, titles + "h100,attention,,,,,8,3,128,1,1\n"),
              HasSubstr("kv_heads: found 3, expected a divisor of the heads"));
  EXPECT_THAT(refusal(read_kernel_rows, "chip,kernel,mm,measured_us\n"), HasSubstr("columns: found 'mm'"));
}

// What the example script writes is what calibrate reads.
TEST(KernelRows, TakeTheColumnsOfTheExampleScript) {
  const std::string script =
      read_text_file(std::filesystem::path(MEMWALL_SOURCE_DIR) / "examples/measure_gpu.py");
  const std::size_t begin = script.find("COLUMNS = ["), end = script.find(']', begin);
  ASSERT_NE(end, std::string::npos);
  std::string titles;
  const std::regex title("\"([a-z_]+)\"");
  const std::string list = script.substr(begin, end - begin);
  for (std::sregex_iterator match(list.begin(), list.end(), title), last; match != last; ++match) {
    titles += (titles.empty() ? "" : ",") + (*match)[1].str();
  }
  ASSERT_THAT(titles, HasSubstr("measured_us"));
  EXPECT_EQ(refusal(read_kernel_rows, titles + "\n"), "");
}

TEST(StepRows, AStepWithWattsIsThreeMeasurements) {
  const Taken taken =
      read(read_step_rows,
           "system,facts,model,plan,batch,prompt,output,sampling,quantity,measured,watts\n"
           "2xh100,hbm.capacity=40 GB; hbm.bandwidth = 1 TB/s,qwen3-8b,tp2,8,100,50,plain,itl_ms,4,500\n"
           "1xh100,,qwen3-8b,tp1,8,100,50,,e2e_s,2,\n");
  ASSERT_EQ(taken.rows.size(), 4u);
  const Measurement& step = taken.rows[0];
  EXPECT_DOUBLE_EQ(step.value, 4e-3);
  EXPECT_EQ(step.changes, (std::vector<FactChange>{{"hbm.capacity", "40 GB"}, {"hbm.bandwidth", "1 TB/s"}}));
  EXPECT_EQ(std::get<StepRun>(step.what).sampling, Sampling::plain);
  EXPECT_EQ(taken.rows[1].origin, "set_power");
  EXPECT_DOUBLE_EQ(taken.rows[1].value, 500);
  EXPECT_EQ(taken.rows[2].origin, "set_energy");
  EXPECT_DOUBLE_EQ(taken.rows[2].value, 500 * 4e-3 / 8);
  EXPECT_EQ(std::get<StepRun>(taken.rows[3].what).kind, StepRun::Kind::generation);
}

TEST(StepRows, RefusesUnknownQuantitiesAndFacts) {
  const std::string titles = "system,facts,model,plan,batch,prompt,output,sampling,quantity,measured\n";
  EXPECT_THAT(refusal(read_step_rows, titles + "1xh100,,qwen3-8b,tp1,8,100,50,,ttft,4\n"),
              HasSubstr("quantity: found 'ttft', expected itl_ms"));
  EXPECT_THAT(refusal(read_step_rows, titles + "1xh100,hbm,qwen3-8b,tp1,8,100,50,,itl_ms,4\n"),
              HasSubstr("facts: found 'hbm', expected KEY=VALUE"));
  EXPECT_THAT(refusal(read_step_rows, titles + "1xh100,,qwen3-8b,tp1,8,100,50,beam,itl_ms,4\n"),
              HasSubstr("sampling: found 'beam'"));
}

// Power that falls by a fifth while the batch grows is a host that cannot keep up, then and from there on.
TEST(MlEnergy, HostBoundRowsAreExcluded) {
  std::string text =
      "task,model_id,gpu_model,num_gpus,expert_parallel,max_num_seqs,avg_batch_size,avg_output_len,median_"
      "itl_ms,"
      "avg_power_watts,energy_per_token_joules\n";
  for (const char* row : {"8,600", "16,620", "32,480", "64,590"}) {
    const std::string batch = std::string(row).substr(0, std::string(row).find(','));
    text += "lm-arena-chat,Qwen/Qwen3-8B,H100,1,1," + batch + "," + batch + ",400,5," +
            std::string(row).substr(batch.size() + 1) + ",0.5\n";
  }
  text += "lm-arena-chat,some/model,H100,1,1,8,8,400,5,600,0.5\n";
  Taken taken;
  read_ml_energy(Table(text, "m.csv"), taken);
  ASSERT_EQ(taken.rows.size(), 2u * 3u);
  // Time is that of a decode step; joules and watts are those of serving, prefills included.
  const auto kind = [&](std::size_t i) { return std::get<StepRun>(taken.rows[i].what).kind; };
  EXPECT_EQ(kind(0), StepRun::Kind::decode_step);
  EXPECT_EQ(taken.rows[1].quantity, MeasuredQuantity::energy_per_token);
  EXPECT_DOUBLE_EQ(taken.rows[1].value, 0.5);
  EXPECT_EQ(kind(1), StepRun::Kind::serving);
  EXPECT_EQ(taken.rows[2].quantity, MeasuredQuantity::power);
  EXPECT_EQ(kind(2), StepRun::Kind::serving);
  EXPECT_THAT(taken.excluded,
              testing::UnorderedElementsAre("ml_energy: no card of the model some/model",
                                            HasSubstr("bound by the host"), HasSubstr("bound by the host")));
}

TEST(FigureRows, AreNumbersInTheirOwnUnit) {
  const auto reader = [](const Table& table, const std::string&, MeasurementSink& sink) {
    read_figure_rows(table, sink);
  };
  const std::string titles = "system,figure,published,unit,status,source,note\n";
  const Taken taken = read(reader, titles + "8xh100,matrix.peak,2400,TOPS,claimed,a page,\n");
  ASSERT_EQ(taken.rows.size(), 1u);
  EXPECT_EQ(describe(taken.rows[0]), "matrix.peak (TOPS)");
  EXPECT_EQ(taken.rows[0].quantity, MeasuredQuantity::figure);
  EXPECT_DOUBLE_EQ(taken.rows[0].value, 2400);
  EXPECT_THAT(refusal(reader, titles + "8xh100,matrix.peak,2400,TOPS,claimed,,\n"), HasSubstr("source"));
}

}  // namespace
}  // namespace memwall
