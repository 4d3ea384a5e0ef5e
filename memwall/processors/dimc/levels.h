// levels.h - exchanges between chiplets, level by level: within a package, between packages that die-to-die
// links join, between cards through the switch, between servers through the network.
//
// At each level the chiplets form groups of equal rank; a group exchanges directly, every member with every
// other. A reduction of B bytes that every chiplet holds goes up the levels, each chiplet sending (g - 1) / g
// of what is left and keeping 1 / g; a gather comes down the same way.
#pragma once

#include <vector>

#include "memwall/processors/dimc/card.h"

namespace memwall {

enum class LinkKind { d2d, scale_up, scale_out };
inline constexpr int kLinkKinds = 3;

struct Level {
  LinkKind link = LinkKind::d2d;
  double group = 1;  // chiplets that exchange
  bool operator==(const Level&) const = default;
};

// The levels that `cards` cards working as one cross, nearest first; groups of one are left out.
std::vector<Level> levels_of(const DimcCard& card, int cards);
// The nearest levels that together hold at least `chiplets` of them, the last one cut to fit.
std::vector<Level> nearest_levels(const std::vector<Level>& levels, double chiplets);

}  // namespace memwall
