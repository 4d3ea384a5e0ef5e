// fact.h - a published number: value, unit, and where it comes from.
//
// In a card:  bandwidth: {value: 3.35 TB/s, source: datasheet}
//             l2_latency: {value: 200 ns, estimate: "as B200's far partition", range: [150 ns, 300 ns]}
//             hbm_fraction: {value: 0.90, fitted: "GEMM m=1 rows of AIConfigurator", source: aic}
// `source` names an entry of the card's `sources:` list. A fact has a source, or an estimate with its
// reasoning, or (under calibration:) the data it was fitted to; otherwise it is refused.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "memwall/core/error.h"
#include "memwall/core/units.h"

namespace memwall {

struct Fact {
  std::string key;   // dotted path in the card: "hbm.bandwidth"
  double value = 0;  // base units
  Dimension dimension;
  bool has_unit = false;
  std::string text;                 // as written: "3.35 TB/s"
  std::string source;               // key into Card::sources, or empty
  std::string estimate;             // reasoning, or empty
  std::string fitted;               // data, or empty
  std::optional<double> low, high;  // range of an estimate, base units
  Location where;
  bool is_estimate() const { return !estimate.empty(); }
};

}  // namespace memwall
