// Published figures of silicon and tools against what the cards give.
#include "memwall/processors/dimc/figures.h"

#include <cmath>

#include <gtest/gtest.h>

namespace memwall {
namespace {

TEST(X, Y) {
  for (const char* s : {"corsair-card", "metis-card", "1xzigzag-dimc", "1xcolonnade"}) {
    for (const Figure& f : dimc_figures(read_system(s))) {
      printf("%s %s %.6g %s\n", s, f.name.c_str(), f.value, f.unit.c_str());
    }
  }
}

}  // namespace
}  // namespace memwall
