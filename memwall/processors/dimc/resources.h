// resources.h - the resources of a program of this family, of one chiplet, and where each stands in their
// list.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "memwall/processors/dimc/card.h"
#include "memwall/processors/dimc/levels.h"
#include "memwall/program/program.h"

namespace memwall {

class DimcResources {
 public:
  explicit DimcResources(const DimcCard& card);

  // The cores computing at these widths; one resource per pair, made on first use. Programs copy list()
  // after all were asked for.
  std::int32_t cores(int weight_bits, int activation_bits);

  std::int32_t sram = -1;                 // bytes through all reload ports
  std::int32_t lpddr = -1;                // bytes; -1 without LPDDR
  std::int32_t vector = -1;               // operations, one per value and pass
  std::int32_t core_cycles = -1;          // delay: what a stream of tiles loses at its ends and between cores
  std::int32_t section_latency = -1;      // delay
  std::int32_t collective_overhead = -1;  // delay, exchanges
  std::array<std::int32_t, kLinkKinds> link{-1, -1, -1}, link_latency{-1, -1, -1};

  const std::vector<Resource>& list() const { return list_; }
  // Sets what `cards` draw and where they stop, `overlap` such programs in flight on them at once.
  void power(double cards, double overlap, Program& program) const;

 private:
  std::int32_t add(Resource resource);
  std::int32_t add_clocked(Resource resource);  // its rate falls with the chip's clock

  DimcCard card_;
  std::vector<Resource> list_;
  struct Cores {
    int weight_bits, activation_bits;
    std::int32_t index;
  };
  std::vector<Cores> cores_;
};

}  // namespace memwall
