#include "memwall/processors/dimc/core_shape.h"

#include <algorithm>
#include <cassert>

namespace memwall {
namespace {

std::int64_t ceil_div(std::int64_t amount, std::int64_t parts) { return (amount + parts - 1) / parts; }

}  // namespace

std::int64_t product_cycles(const CoreShape& core, int activation_bits) {
  return ceil_div(activation_bits, core.bits_per_cycle);
}

std::int64_t reload_cycles(const CoreShape& core) {
  constexpr std::int64_t kBitsPerByte = 8;
  const std::int64_t bits = std::int64_t{core.inputs} * core.column_bits;
  return ceil_div(bits, kBitsPerByte * core.reload_bytes_per_cycle);
}

double macs_per_cycle(const CoreShape& core, int weight_bits, int activation_bits) {
  return static_cast<double>(core.inputs) * core.columns(weight_bits) /
         static_cast<double>(product_cycles(core, activation_bits));
}

std::int64_t saturating_vectors(const CoreShape& core, int activation_bits) {
  return ceil_div(reload_cycles(core), product_cycles(core, activation_bits));
}

std::vector<TileTimes> plan_stream(const CoreShape& core, std::int64_t tiles, std::int64_t vectors,
                                   int activation_bits) {
  assert(tiles >= 1 && vectors >= 1);
  const std::int64_t reload = reload_cycles(core);
  const std::int64_t compute = vectors * product_cycles(core, activation_bits);
  std::vector<TileTimes> times;
  std::int64_t reload_end = 0, compute_end = 0;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    TileTimes& now = times.emplace_back();
    const std::int64_t before = tile - core.weight_sets;  // the tile that was in this one's set
    now.reload_begin =
        before < 0 ? reload_end : std::max(reload_end, times[static_cast<std::size_t>(before)].compute_end);
    reload_end = now.reload_begin + reload;
    now.compute_begin = std::max(reload_end, compute_end);
    compute_end = now.compute_begin + compute;
    now.compute_end = compute_end;
  }
  return times;
}

std::int64_t stream_cycles(const CoreShape& core, std::int64_t tiles, std::int64_t vectors,
                           int activation_bits) {
  assert(tiles >= 1 && vectors >= 1);
  const std::int64_t reload = reload_cycles(core);
  const std::int64_t compute = vectors * product_cycles(core, activation_bits);
  if (core.weight_sets == 1) {
    return tiles * (reload + compute) + core.pipeline_cycles;
  }
  return reload + compute + (tiles - 1) * std::max(reload, compute) + core.pipeline_cycles;
}

}  // namespace memwall
