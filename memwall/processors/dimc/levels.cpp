#include "memwall/processors/dimc/levels.h"

#include <algorithm>
#include <cmath>

namespace memwall {

std::vector<Level> levels_of(const DimcCard& card, int cards) {
  const double joined = std::min(cards, card.joined_cards);
  const double in_server = std::min(cards, card.server_cards);
  const double packages = std::ceil(static_cast<double>(card.chiplets) / card.package_chiplets) * joined;
  const double units = std::ceil(in_server / joined);
  const double servers = std::ceil(cards / in_server);
  std::vector<Level> levels;
  for (const Level& level :
       {Level{LinkKind::d2d, static_cast<double>(card.package_chiplets)}, Level{LinkKind::d2d, packages},
        Level{LinkKind::scale_up, units}, Level{LinkKind::scale_out, servers}}) {
    if (level.group > 1) {
      levels.push_back(level);
    }
  }
  return levels;
}

std::vector<Level> nearest_levels(const std::vector<Level>& levels, double chiplets) {
  std::vector<Level> nearest;
  double held = 1;
  for (Level level : levels) {
    if (held >= chiplets) {
      break;
    }
    level.group = std::min(level.group, std::ceil(chiplets / held));
    held *= level.group;
    nearest.push_back(level);
  }
  return nearest;
}

}  // namespace memwall
