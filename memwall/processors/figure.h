// figure.h - a number that follows from a system's cards alone: an identity of its structure (peak rate,
// time to sweep the memory) or the outcome of an experiment that only its family can run (a reduction over
// the mesh, a schedule's length). `memwall explain figures` prints them; validation/figures.csv holds
// published values against them.
#pragma once

#include <string>

namespace memwall {

struct Figure {
  std::string name;  // "matrix.int8_peak": dotted, snake_case, unique within the system
  double value = 0;
  std::string unit;  // as people write it: "TOPS", "us", "bytes/cycle", "" for counts and ratios
};

}  // namespace memwall
