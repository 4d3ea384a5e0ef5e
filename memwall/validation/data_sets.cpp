#include "memwall/validation/data_sets.h"

#include <algorithm>
#include <iterator>

namespace memwall {
namespace {

bool is_from(const Scored& scored, std::string_view origin) { return scored.measurement.origin == origin; }

bool is_table(const Scored& scored, KernelKind kind) {
  return is_from(scored, "aic") && scored.kernel && scored.kernel->kind == kind;
}
bool is_gemm(const Scored& scored, Format format) {
  return is_table(scored, KernelKind::gemm) && scored.kernel->format == format;
}
// fp16 runs at the rate of bf16 and is tabulated nowhere beside it.
template <Format kFormat, Regime kRegime>
bool is_gemm_in(const Scored& scored) {
  return is_gemm(scored, kFormat) && scored.kernel->regime == kRegime;
}
template <KernelKind kKind>
bool is_steady(const Scored& scored) {
  return is_table(scored, kKind) && scored.measurement.value > kBriefKernel.value;
}
template <KernelKind kKind>
bool is_kind(const Scored& scored) {
  return is_table(scored, kKind);
}
bool is_brief_attention(const Scored& scored) {
  for (const KernelKind kind : {KernelKind::decode_attention, KernelKind::prefill_attention,
                                KernelKind::decode_mla, KernelKind::prefill_mla}) {
    if (is_table(scored, kind)) {
      return scored.measurement.value <= kBriefKernel.value;
    }
  }
  return false;
}
bool is_other_gemm(const Scored& scored) {
  return is_table(scored, KernelKind::gemm) && scored.kernel->format != Format::bf16;
}

// Sets of many kinds of kernels, told apart in the report.
bool is_profile(const DataSet& set) {
  return set.name == "vidur" || set.name == "frontier" || set.name == "llmservingsim";
}

// Best known figures: those of docs/validation.md's sources, as far as their authors or we could run them.
constexpr std::string_view kNoise = "the same row measured again differs by 1 %";

}  // namespace

const std::vector<DataSet>& data_sets() {
  using enum KernelKind;
  const auto from = [](auto predicate) -> bool (*)(const Scored&) { return predicate; };
  static const std::vector<DataSet> sets = {
      {"llmcompass_gemm", "LLMCompass: 20 fp16 GEMMs",
       from([](const Scored& each) { return is_from(each, "llmcompass_gemm"); }), 0.05, 0.12, 0.20,
       "LLMCompass 6.5 % mean, 24.3 % worst, in 1,560 CPU-s"},
      {"llmcompass_softmax", "LLMCompass: softmax",
       from([](const Scored& each) { return is_from(each, "llmcompass_softmax"); }), 0.08, 0, 0,
       "LLMCompass 10.5 %"},
      {"llmcompass_layer_norm", "LLMCompass: layer normalisation",
       from([](const Scored& each) { return is_from(each, "llmcompass_layer_norm"); }), 0.08, 0, 0, ""},
      {"llmcompass_gelu", "LLMCompass: GELU",
       from([](const Scored& each) { return is_from(each, "llmcompass_gelu"); }), 0.08, 0, 0, ""},
      {"gpt3_layer", "LLMCompass: one layer of GPT-3 on 4 GPUs",
       from([](const Scored& each) { return is_from(each, "gpt3_layer"); }), 0.04, 0, 0,
       "LLMCompass 12.4 % for decode as re-run, 4.1 % published"},
      {"measured", "Kernels typed from published tables",
       from([](const Scored& each) { return is_from(each, "measured"); }), 0, 0, 0, ""},
      {"gemm_bf16_decode", "GEMM bf16, m <= 64, n and k >= 1024", is_gemm_in<Format::bf16, Regime::decode>,
       0.04, 0.10, 0, kNoise},
      {"gemm_bf16_prefill", "GEMM bf16, m >= 2048, n and k >= 1024",
       is_gemm_in<Format::bf16, Regime::prefill>, 0.04, 0.10, 0, kNoise},
      {"gemm_bf16", "GEMM bf16, every shape",
       from([](const Scored& each) { return is_gemm(each, Format::bf16); }), 0.06, 0.14, 0,
       "table interpolation 4.9 % median"},
      {"gemm_fp8_decode", "GEMM fp8, decode", is_gemm_in<Format::fp8, Regime::decode>, 0.06, 0.15, 0, ""},
      {"gemm_fp8_prefill", "GEMM fp8, prefill", is_gemm_in<Format::fp8, Regime::prefill>, 0.06, 0.15, 0, ""},
      {"gemm_fp8_block_decode", "GEMM fp8_block, decode", is_gemm_in<Format::fp8_block, Regime::decode>, 0.06,
       0.15, 0, ""},
      {"gemm_fp8_block_prefill", "GEMM fp8_block, prefill", is_gemm_in<Format::fp8_block, Regime::prefill>,
       0.06, 0.15, 0, ""},
      {"gemm_nvfp4_decode", "GEMM nvfp4, decode", is_gemm_in<Format::nvfp4, Regime::decode>, 0.06, 0.15, 0,
       ""},
      {"gemm_nvfp4_prefill", "GEMM nvfp4, prefill", is_gemm_in<Format::nvfp4, Regime::prefill>, 0.06, 0.15, 0,
       ""},
      {"gemm_other", "GEMM in formats other than bf16, every shape", is_other_gemm, 0, 0, 0, ""},
      {"decode_attention", "Decode attention, above 20 us", is_steady<decode_attention>, 0.06, 0.15, 0,
       "table interpolation 2 to 3 %"},
      {"prefill_attention", "Context attention, above 20 us", is_steady<prefill_attention>, 0.06, 0.15, 0,
       "table interpolation 2 to 3 %"},
      {"decode_mla", "MLA decode, above 20 us", is_steady<decode_mla>, 0.06, 0.15, 0, ""},
      {"prefill_mla", "MLA prefill, above 20 us", is_steady<prefill_mla>, 0.06, 0.15, 0, ""},
      {"brief_attention", "Attention of all kinds, up to 20 us", is_brief_attention, 0, 0, 0, ""},
      {"experts", "Routed-expert layers", is_kind<experts>, 0.12, 0.25, 0,
       "the same row measured again differs by 6.6 %"},
      {"all_reduce", "All-reduce as the engine picks it", is_kind<all_reduce>, 0.08, 0, 0,
       "alpha-beta up to 50 % off mid-range"},
      {"nccl_all_reduce", "All-reduce by NCCL", is_kind<nccl_all_reduce>, 0.08, 0, 0,
       "alpha-beta up to 50 % off mid-range"},
      {"mle", "ML.ENERGY, typed: time between tokens",
       from([](const Scored& each) { return is_from(each, "mle"); }), 0.08, 0.20, 0, ""},
      {"mle_power", "ML.ENERGY, typed: power",
       from([](const Scored& each) { return is_from(each, "mle_power"); }), 0.10, 0, 0, "none predicts it"},
      {"mle_energy", "ML.ENERGY, typed: J/token",
       from([](const Scored& each) { return is_from(each, "mle_energy"); }), 0.10, 0, 0, "none predicts it"},
      {"ml_energy", "ML.ENERGY, all: time between tokens",
       from([](const Scored& each) { return is_from(each, "ml_energy"); }), 0.08, 0.20, 0, ""},
      {"ml_energy_power", "ML.ENERGY, all: power",
       from([](const Scored& each) { return is_from(each, "ml_energy_power"); }), 0.10, 0, 0,
       "none predicts it"},
      {"ml_energy_energy", "ML.ENERGY, all: J/token",
       from([](const Scored& each) { return is_from(each, "ml_energy_energy"); }), 0.10, 0, 0,
       "none predicts it"},
      {"serving", "Serving points of InferenceMAX and NVIDIA: mean time between tokens",
       from([](const Scored& each) { return is_from(each, "serving"); }), 0, 0, 0, ""},
      {"splitwise", "Splitwise: prompts through Llama-2-70B",
       from([](const Scored& each) { return is_from(each, "splitwise"); }), 0, 0, 0, ""},
      {"llamacpp", "llama.cpp: one sequence through Llama 3 8B in 16 bits",
       from([](const Scored& each) { return is_from(each, "llamacpp"); }), 0, 0, 0, ""},
      {"vidur", "Vidur's profiles: kernels of PyTorch",
       from([](const Scored& each) { return is_from(each, "vidur"); }), 0, 0, 0, ""},
      {"frontier", "Frontier's profiles: kernels of PyTorch, FlashInfer and NCCL",
       from([](const Scored& each) { return is_from(each, "frontier"); }), 0, 0, 0, ""},
      {"llmservingsim", "LLMServingSim's profiles: kernels of vLLM",
       from([](const Scored& each) { return is_from(each, "llmservingsim"); }), 0, 0, 0, ""},
      {"mamf", "Best matrix products that a search found",
       from([](const Scored& each) { return is_from(each, "mamf"); }), 0, 0, 0, ""},
      {"llmcompass_mi210", "LLMCompass: 22 fp16 GEMMs on MI210",
       from([](const Scored& each) { return is_from(each, "llmcompass_mi210"); }), 0, 0, 0, ""},
      {"anl", "LLM-Inference-Bench: whole generations",
       from([](const Scored& each) { return is_from(each, "anl"); }), 0, 0, 0, ""},
      {"anl_power", "LLM-Inference-Bench: power in decode",
       from([](const Scored& each) { return is_from(each, "anl_power"); }), 0, 0, 0, ""},
      {"processors", "Processors other than GPUs: published rates and energies",
       from([](const Scored& each) { return is_from(each, "processors"); }), 0, 0, 0, "", true},
      {"figures", "Published figures that follow from a card",
       from([](const Scored& each) { return is_from(each, "figures"); }), 0, 0, 0, "", true},
  };
  return sets;
}

bool is_typed_from_large_sets(const Measurement& measurement) {
  const std::string& origin = measurement.origin;
  return origin == "measured" || origin.starts_with("mle");
}

bool is_never_fitted_to(const Measurement& measurement) {
  constexpr std::string_view kSets[] = {"vidur", "frontier", "llmservingsim",   "splitwise",
                                        "mamf",  "llamacpp", "llmcompass_mi210"};
  return std::find(std::begin(kSets), std::end(kSets), measurement.origin) != std::end(kSets);
}

std::string group_of(const DataSet& set, const Scored& scored) {
  std::string group = scored.chip;
  if (set.name == "measured" && scored.kernel) {
    group += " " + std::string(name(scored.kernel->kind));
    if (scored.kernel->kind == KernelKind::gemm || scored.kernel->kind == KernelKind::decode_attention) {
      group += " " + std::string(name(scored.kernel->format));
    }
  } else if (set.name == "processors") {  // rates, times and energies are printed in units of their own
    const MeasuredQuantity quantity = scored.measurement.quantity;
    group += quantity == MeasuredQuantity::energy_per_token ? " energy"
             : quantity == MeasuredQuantity::time           ? " time"
                                                            : "";
  } else if (set.name == "serving") {
    group += " " + std::get<StepRun>(scored.measurement.what).model;
  } else if (is_profile(set) && scored.kernel) {
    group += " " + std::string(name(scored.kernel->kind));
    if (scored.kernel->regime != Regime::all) {
      group += " " + std::string(name(scored.kernel->regime));
    }
  } else if (set.name == "gemm_other") {
    group += " " + std::string(name(scored.kernel->format));
  }
  return group + (scored.measurement.note.empty() ? "" : " " + scored.measurement.note);
}

}  // namespace memwall
