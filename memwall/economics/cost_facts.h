// cost_facts.h - facts of a card that may have a low and a high end: `cost.wafer`, or `cost.wafer.low` and
// `.high`.
#pragma once

#include <string>

#include "memwall/economics/chip_program.h"

namespace memwall {

class CostFacts {
 public:
  // Borrows the system.
  CostFacts(const System& system, CostCase which) : system_(system), which_(which) {}

  template <class Q>
  Q get(const std::string& key) const {
    return system_.facts.get<Q>(end_of(key));
  }
  bool has(const std::string& key) const { return system_.facts.has(end_of(key)); }
  std::string end_of(const std::string& key) const {
    return system_.facts.has(key) ? key : key + (which_ == CostCase::low ? ".low" : ".high");
  }

 private:
  const System& system_;
  CostCase which_;
};

}  // namespace memwall
