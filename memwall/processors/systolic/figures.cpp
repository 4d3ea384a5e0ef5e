#include "memwall/processors/systolic/figures.h"

#include <array>
#include <string>

#include <fmt/format.h>

#include "memwall/model/read_model.h"
#include "memwall/processors/systolic/sharing.h"
#include "memwall/processors/systolic/split_search.h"

namespace memwall {
namespace {

constexpr double kTera = 1e12, kPercent = 100;
constexpr ProductShape kTableGemm{1, 8192, 8192};  // of the published utilisation table

void add_peaks(const SystolicCard& card, std::vector<Figure>& figures) {
  for (const Format format : {Format::bf16, Format::fp8, Format::int8, Format::nvfp4}) {
    if (card.macs_per_cell[static_cast<std::size_t>(format)] > 0) {
      figures.push_back(
          {fmt::format("matrix.{}_peak", name(format)), card.peak(format).value / kTera, "TOPS"});
    }
  }
  const OpsPerByte ridge = card.peak(Format::bf16) / card.hbm_bandwidth;
  figures.push_back({"matrix.bf16_ridge", ridge.value, "ops/byte"});
  // Every cell multiplying in every cycle at the full clock; nothing counted for the memory that feeds it.
  const auto bf16 = static_cast<std::size_t>(Format::bf16);
  figures.push_back(
      {"power.arrays_busy", card.idle.value + card.peak(Format::bf16).value * card.energy[bf16].value, "W"});
  figures.push_back({"hbm.sweep_time", (card.hbm_capacity / card.hbm_bandwidth).value, "s"});
}

double cycles_at(const SystolicCard& card, std::int64_t m, const Split& split) {
  ProductShape gemm = kTableGemm;
  gemm.m = m;
  return gemm_cycles(card.array, split, Dataflow::weight_stationary, gemm).cycles;
}

// One array cut as finely as the card allows, against the whole one, at its own ports.
void add_splitting(const SystolicCard& card, std::vector<Figure>& figures) {
  for (const std::int64_t m : {1, 16, 64, 4096}) {
    const double gain = cycles_at(card, m, {1, 1}) / cycles_at(card, m, card.finest);
    figures.push_back({fmt::format("split.speedup_m{}", m), gain, ""});
  }
}

// K = N = 8192 on the cells of one array with ports as wide as it takes, in per cent.
void add_utilization_table(const SystolicCard& card, std::vector<Figure>& figures) {
  struct Cut {
    const char* name;
    Split split;
  };
  constexpr std::array kCuts = {Cut{"whole", {1, 1}}, Cut{"2x2", {2, 2}}, Cut{"4x4", {4, 4}},
                                Cut{"8x8", {8, 8}}, Cut{"16x1", {16, 1}}};
  for (const std::int64_t m : {1, 8, 16, 64, 256, 4096}) {
    for (const Cut& cut : kCuts) {
      for (const bool buffered : {false, true}) {
        // An array that the cut does not divide counts with the cells that it does.
        const ArrayShape array{card.array.rows - card.array.rows % cut.split.row_parts,
                               card.array.columns - card.array.columns % cut.split.column_parts,
                               1,
                               buffered,
                               {}};
        const ArrayCycles cycles =
            gemm_cycles(array, cut.split, Dataflow::weight_stationary, {m, kTableGemm.n, kTableGemm.k});
        figures.push_back({fmt::format("utilization.m{}_{}_{}", m, cut.name, buffered ? "double" : "single"),
                           kPercent * cycles.utilization, "%"});
      }
    }
  }
}

void add_sharing(const System& system, std::vector<Figure>& figures) {
  const SharingStudy study = read_study(system.chip());
  const Model model = read_model(study.model);
  const SharingComparison comparison = compare_sharing(study, model, system);
  const auto add = [&](const std::string& way, const SharingRate& rate) {
    figures.push_back({"sharing." + way + "_rate", rate.tokens_per_s, "tokens/s"});
    figures.push_back({"sharing." + way + "_batch", static_cast<double>(rate.batch), ""});
    figures.push_back({"sharing." + way + "_ttft", rate.ttft.value, "s"});
    figures.push_back({"sharing." + way + "_tpot", rate.tpot.value, "s"});
  };
  add("batched", comparison.batched);
  add("turns", comparison.turns);
  add("shared", comparison.shared);
  add("halves", comparison.halves);
  figures.push_back({"sharing.decode_slabs", static_cast<double>(comparison.shared.decode_slabs), ""});

  // Two findings on divided GPUs: returns diminish beyond a share, and memory bandwidth couples the sides.
  constexpr std::int64_t kBatch = 32;
  const std::vector<SharePoint> points = decode_shares(study, model, system, kBatch);
  for (const std::int64_t slabs : {1, 2, 4, 8}) {
    double speed = 0, slowdown = 1;
    for (const SharePoint& point : points) {
      if (point.slabs == slabs) {
        speed = points.front().alone / point.alone;
        slowdown = 1 + point.waiting / point.alone;
      }
    }
    figures.push_back({fmt::format("sharing.decode_speed_on_{}", slabs), speed, ""});
    figures.push_back({fmt::format("sharing.decode_slowdown_on_{}", slabs), slowdown, ""});
  }
}

}  // namespace

std::vector<Figure> systolic_figures(const System& system) {
  const SystolicCard card = read_systolic_card(system);
  std::vector<Figure> figures;
  add_peaks(card, figures);
  add_splitting(card, figures);
  if (system.chip().words.count("study.model") > 0) {
    add_utilization_table(card, figures);
    add_sharing(system, figures);
  }
  return figures;
}

}  // namespace memwall
