// resources.h - the resources of a systolic program, and what one operator takes of them.
//
// An array is counted twice: "array" in cycles, which a task holds while its GEMM fills, streams and drains,
// and "macs" in operations, which are what the mathematics needs and what costs energy; a cell without work
// is gated. When decode and prefill share an array, each has an array and MACs of its own, as fast as its
// slabs, and both queue for the one SRAM port, HBM, vector unit and link.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "memwall/processors/systolic/card.h"
#include "memwall/processors/systolic/split_search.h"
#include "memwall/program/program.h"

namespace memwall {

// What one operator takes on one chip. Amounts are of that chip.
struct SystolicCost {
  double starts = 0, hops = 0, host_steps = 0;  // delays
  Format arithmetic = Format::bf16;             // of macs
  double macs = 0;                              // useful
  double cycles = 0;                            // of the array at one MAC per cell and cycle, all losses in
  double vector_ops = 0;
  double sram = 0;                          // bytes in and out of on-chip memory
  double hbm_weights = 0, hbm_kv = 0;       // bytes
  double link = 0;                          // bytes sent
  Category sram_kind = Category::overhead;  // what most of the SRAM bytes are

  // Both in one kernel, one after another: amounts add up, what they are is the other's.
  SystolicCost& operator+=(const SystolicCost& other);
};

// Who runs a task: all of the array, or one side of a shared one.
enum class Side { whole, decode, prefill };
inline constexpr int kSideCount = 3;

class SystolicResources {
 public:
  explicit SystolicResources(const SystolicCard& card);

  // Overwrites `list`, keeping its storage. An array that splits has the resources of all sides whatever the
  // step; decode's and prefill's are as fast as their slabs when decode has `slabs` of the row parts.
  void list(std::int64_t slabs, std::vector<Resource>& list) const;
  // Sets what `chips` draw and where they stop, `overlap` such programs in flight on them at once.
  void power(double chips, double overlap, Program& program) const;
  // Cells of `side` when decode has `slabs` of the row parts.
  void demand(const SystolicCost& cost, Side side, std::int64_t slabs, Task& task) const;

 private:
  double share(Side side, std::int64_t slabs) const;

  const SystolicCard card_;
  std::vector<Resource> all_;
  std::array<std::int32_t, kSideCount> array_{};
  std::array<std::array<std::int32_t, kFormatCount>, kSideCount> macs_{};
  std::int32_t start_ = 0, host_ = 0, hop_ = -1, vector_ = 0, sram_ = 0, hbm_ = 0, link_ = -1;
};

}  // namespace memwall
