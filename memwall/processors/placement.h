// placement.h - where a model's weights, KV cache and activations live on a system, or why they do not fit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "memwall/core/units.h"
#include "memwall/model/model.h"

namespace memwall {

// Degrees of parallelism; tp * pp * dp chips are used. Attention is divided over tp; routed experts over ep
// groups of the tp * dp chips of a pipeline stage. `mode` is a family's own choice beside the degrees, such
// as where the weights live ("performance": SRAM, "capacity": LPDDR); empty for families with one way.
struct Plan {
  int tp = 1, pp = 1, dp = 1, ep = 1;
  std::string mode;
  bool operator==(const Plan&) const = default;
  int chips() const { return tp * pp * dp; }
};
std::string to_text(const Plan& plan);  // "tp8", "tp4 pp2", "tp1 dp8 ep8", "tp1 mode=capacity"
// The same words in any order, separated by spaces or commas; an absent degree is 1. Throws ConfigError.
Plan parse_plan(const std::string& text);

// What must be held and run: `sequences` sequences of up to `context` tokens each.
struct Need {
  std::int64_t sequences = 1;
  std::int64_t context = 1;
  std::int64_t step_tokens = 1;  // most new tokens in one step: sizes the activations
};

struct MemoryUse {    // of one level of memory of the fullest chip
  std::string level;  // "hbm", "kv_buffer"
  Bytes capacity, weights, kv, activations;
  Bytes used() const { return weights + kv + activations; }
  Bytes shortfall() const { return used() > capacity ? used() - capacity : Bytes(0); }
};

struct Placement {
  Plan plan;
  bool fits = false;
  std::string refusal;  // why not, one phrase: "hbm short by 61.2 GB per chip", "wired for gpt-oss-120b"
  std::vector<MemoryUse> memory;
  int smallest_chips = 0;  // fewest chips of this kind that would hold the need; 0 when none would
  std::int64_t kv_capacity_tokens = 0;  // tokens of context that the whole system can hold beside the weights
};
std::string to_text(const Placement& placement);

}  // namespace memwall
