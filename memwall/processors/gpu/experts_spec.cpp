#include "memwall/processors/gpu/experts_spec.h"

#include <algorithm>
#include <utility>

#include "memwall/processors/gpu/gpu_card.h"

namespace memwall {
namespace {

struct NamedLibrary {
  const char* name;
  ExpertsLibrary library;
};
// Read off AIConfigurator's MoE tables, all widths and formats of an architecture together, and rounded.
constexpr NamedLibrary kLibraries[] = {
    {"ampere", {800, 64, 0.1, 0.62, true, 1, 1, 0}},
    {"hopper", {118, 64, 0, 1, false, 0.175, 1, 16}},
    {"blackwell", {118, 128, 0.2, 1, false, 1, 0.52, 64}},
    {"cdna", {800, 64, 0.1, 0.62, true, 1, 1, 0}},
};

}  // namespace

std::vector<std::string> experts_keys() {
  return {"experts.start",   "experts.tensor",     "experts.rows",      "experts.per_pair",
          "experts.per_row", "experts.per_expert", "experts.per_group", "experts.per_scaled_group"};
}

ExpertsSpec read_experts_spec(const GpuCard& card) {
  ExpertsSpec spec;
  spec.packed_step = card.get<Seconds>("gemm.packed_step");
  spec.start = card.get<Seconds>("experts.start");
  spec.tensor = card.fraction("experts.tensor");
  spec.rows = card.get<BytesPerSecond>("experts.rows");
  spec.per_pair = card.get<Seconds>("experts.per_pair");
  spec.per_row = card.get<Seconds>("experts.per_row");
  spec.per_expert = card.get<Seconds>("experts.per_expert");
  spec.per_group = card.get<Seconds>("experts.per_group");
  spec.per_scaled_group = card.get<Seconds>("experts.per_scaled_group");
  spec.library = card.library("gemm.library", kLibraries).library;
  return spec;
}

}  // namespace memwall
