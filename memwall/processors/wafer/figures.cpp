#include "memwall/processors/wafer/figures.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "memwall/model/read_model.h"
#include "memwall/processors/wafer/layer_time.h"

namespace memwall {
namespace {

constexpr double kPeta = 1e15, kGiga = 1e9, kMilli = 1e-3, kMicro = 1e-6;
constexpr double kOpsPerMac = 2;

double real(std::int64_t value) { return static_cast<double>(value); }

class FigureList {
 public:
  explicit FigureList(const System& system)
      : chip_(system.chip()), card_(read_wafer_card(system)), timing_(mesh_timing(card_)) {}

  std::vector<Figure> run() {
    add_identities();
    add_collectives();
    add_gemv();
    add_llama();
    return std::move(figures_);
  }

 private:
  void add(const std::string& name, double value, const std::string& unit) {
    figures_.push_back({name, value, unit});
  }
  double energy_of(double cycles) const { return cycles / card_.clock.value * card_.tdp.value; }

  // `tokens` in so many cycles: at the card's clock and at every clock that somebody states.
  void add_rate(const std::string& name, double cycles, double tokens) {
    add(name + ".cycles", cycles, "cycles");
    add(name, tokens * card_.clock.value / cycles, "token/s");
    for (const std::string& clock : chip_.below("clocks")) {
      add(name + ".at_" + clock, tokens * chip_.get<Hertz>("clocks." + clock).value / cycles, "token/s");
    }
  }
  void add_time(const std::string& name, double cycles) {
    add(name + ".cycles", cycles, "cycles");
    add(name, cycles / card_.clock.value / kMicro, "us");
    for (const std::string& clock : chip_.below("clocks")) {
      add(name + ".at_" + clock, cycles / chip_.get<Hertz>("clocks." + clock).value / kMicro, "us");
    }
  }

  void add_identities() {
    const double cores = real(card_.cores()), clock = card_.clock.value;
    add("mesh.cores", cores, "");
    add("sram.capacity", cores * card_.sram.value / kGiga, "GB");
    add("sram.bandwidth", cores * card_.port.value * clock / kPeta, "PB/s");
    add("compute.fp16_peak", kOpsPerMac * card_.simd * cores * clock / kPeta, "PFLOP/s");
    add("sram.sweep_time", card_.sram.value / card_.port.value / clock / kMicro, "us");
    add("balance", kOpsPerMac * card_.simd / card_.port.value, "FLOP/B");
  }

  // Lines of 512 cores, vectors of 32-bit wavelets; without the start of instructions, as the law has none.
  void add_collectives() {
    constexpr int kCores = 512, kGroup = 16;
    MeshTiming bare = timing_;
    bare.instruction = 0;
    for (const int length : {1, 64, 1024}) {
      const double values = static_cast<double>(length) * timing_.values_per_wavelet;
      add(fmt::format("reduce.chain_{}_{}", kCores, length), chain_reduce(kCores, values, bare).total(),
          "cycles");
      add(fmt::format("reduce.two_phase_{}_{}", kCores, length),
          two_phase_reduce(kCores, kGroup, values, bare).total(), "cycles");
      add(fmt::format("broadcast_{}_{}", kCores, length), broadcast(kCores, values, bare).total(), "cycles");
    }
  }

  // On the square grid that takes least, as large as holds the matrix.
  void add_gemv() {
    for (const int size : {16384, 32768}) {
      const double n = size, most = std::min(card_.rows, card_.columns);
      double best = 0, chain = 0;
      for (int side = 2; side <= most; ++side) {
        if (n * n * card_.value.value > (card_.sram - card_.reserved).value * side * side) {
          continue;
        }
        const auto cycles = [&](Collective collective) {
          return mesh_gemv(1, n, n, side, side, collective, timing_).total();
        };
        best = best == 0 ? cycles(Collective::ktree) : std::min(best, cycles(Collective::ktree));
        chain = chain == 0 ? cycles(Collective::chain) : std::min(chain, cycles(Collective::chain));
      }
      if (best > 0) {
        const std::string name = fmt::format("gemv_{}", size);
        add_time(name, best);
        add(name + ".energy", energy_of(best) / kMilli, "mJ");
        add(name + ".chain_over_ktree", chain / best, "");
      }
    }
  }

  // WaferLLM's method: one layer is timed and multiplied by the number of layers; no embedding, no head.
  void add_llama() {
    const Model model = read_model("llama-3.1-8b");
    const double layers = real(layer_count(model));
    constexpr double kPrompt = 4096;
    const int most = std::min(card_.rows, card_.columns);
    const auto region = [&](int side) {
      return RegionModel(timing_, {side, side}, {side, side}, Collective::ktree);
    };
    for (const int side : {360, 420, 540, 660}) {
      const double cycles = layers * decode_layer(model, region(side), {1, 1, kPrompt}).total();
      if (side <= most) {
        add_rate(fmt::format("llama3_8b.decode_{}", side), cycles, 1);
        add(fmt::format("llama3_8b.decode_{}.energy", side), energy_of(cycles), "J/token");
      }
    }
    for (const int side : {480, 600, 660, 720}) {
      const double cycles =
          layers * prefill_layer(model, region(side), {kPrompt, kPrompt, kPrompt / 2, 1}).total();
      if (side <= most) {
        add_rate(fmt::format("llama3_8b.prefill_{}", side), cycles, kPrompt);
        add(fmt::format("llama3_8b.prefill_{}.energy", side), energy_of(cycles) / kPrompt, "J/token");
      }
    }
    // All cores' memory beside the weights; and one row of cores' worth of it, where caches that only grow at
    // their end come to a stop (of a decode grid of 360 rows).
    constexpr double kRows = 360;
    const double room = real(card_.cores()) * (card_.sram - card_.reserved).value -
                        real(parameters(model).total) * card_.value.value;
    const double tokens = room / kv_bytes_per_token(model).value;
    add("llama3_8b.longest_decode", tokens, "tokens");
    add("llama3_8b.longest_decode_without_shift", tokens / kRows, "tokens");
  }

  const Chip& chip_;
  WaferCard card_;
  MeshTiming timing_;
  std::vector<Figure> figures_;
};

}  // namespace

std::vector<Figure> wafer_figures(const System& system) { return FigureList(system).run(); }

}  // namespace memwall
