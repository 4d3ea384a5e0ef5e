#include "memwall/validation/collector_routing.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <span>
#include <stdexcept>
#include <vector>

namespace memwall {
namespace {

using Loads = std::vector<double>;

// splitmix64 (Steele et al., 2014): the same numbers everywhere.
class Draws {
 public:
  double next() {  // uniform in [0, 1)
    std::uint64_t mixed = (state_ += 0x9e3779b97f4a7c15u);
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return static_cast<double>((mixed ^ (mixed >> 31)) >> 11) * 0x1p-53;
  }

 private:
  std::uint64_t state_ = 1;
};

// Value below which `share` of the law x^-exponent on [low, high] lies.
double power_law_quantile(double exponent, double low, double high, double share) {
  const double power = 1 - exponent;
  const double from = std::pow(low, power), to = std::pow(high, power);
  return std::pow((to - from) * share + from, 1 / power);
}

// Gives pairs one by one, a group of experts after the other, to the least loaded expert of the group that
// has fewer than `most`.
void give(Loads& loads, std::int64_t groups, double pairs, double most) {
  const std::size_t held = loads.size() / static_cast<std::size_t>(groups);
  for (bool is_full = false; pairs > 0 && !is_full;) {
    is_full = true;
    for (std::size_t first = 0; first < loads.size() && pairs > 0; first += held) {
      const auto least = std::min_element(loads.begin() + static_cast<std::ptrdiff_t>(first),
                                          loads.begin() + static_cast<std::ptrdiff_t>(first + held));
      if (*least < most) {
        // Many at a time while that is far from what the group will have in the end.
        const double step = std::max(1.0, std::floor(pairs / static_cast<double>(4 * loads.size())));
        const double given = std::min(step, most - *least);
        *least += given;
        pairs -= given;
        is_full = false;
      }
    }
  }
}

// The reverse: from the most loaded expert of each group.
void take(Loads& loads, std::int64_t groups, double pairs) {
  const std::size_t held = loads.size() / static_cast<std::size_t>(groups);
  for (bool is_empty = false; pairs > 0 && !is_empty;) {
    is_empty = true;
    for (std::size_t first = 0; first < loads.size() && pairs > 0; first += held) {
      const auto most = std::max_element(loads.begin() + static_cast<std::ptrdiff_t>(first),
                                         loads.begin() + static_cast<std::ptrdiff_t>(first + held));
      if (*most > 0) {
        *most -= 1;
        pairs -= 1;
        is_empty = false;
      }
    }
  }
}

Loads drawn_loads(double exponent, const CollectorLayer& layer, Draws& draws) {
  const double tokens = static_cast<double>(layer.tokens), experts = static_cast<double>(layer.num_experts);
  const double pairs = tokens * static_cast<double>(layer.top_k);
  const bool is_many = pairs > experts;
  Loads loads(static_cast<std::size_t>(layer.num_experts));
  for (double& load : loads) {
    load = power_law_quantile(exponent, is_many ? 1 : 0.01, is_many ? 0.8 * tokens : 2, draws.next());
  }
  const double unit = pairs / std::accumulate(loads.begin(), loads.end(), 0.0);
  double dealt = 0;
  for (double& load : loads) {
    load = std::min(tokens, std::round(load * unit));
    dealt += load;
  }
  if (dealt < pairs) {
    give(loads, layer.groups, pairs - dealt, tokens);
  } else {
    take(loads, layer.groups, dealt - pairs);
  }
  return loads;
}

Loads balanced_loads(const CollectorLayer& layer) {
  Loads loads(static_cast<std::size_t>(layer.num_experts), 0);
  const std::int64_t stride = (layer.num_experts + layer.top_k - 1) / layer.top_k;
  for (std::int64_t token = 0; token < layer.tokens; ++token) {
    const std::int64_t first = layer.tokens >= stride ? token : token * stride / layer.tokens;
    for (std::int64_t choice = 0; choice < layer.top_k; ++choice) {
      loads[static_cast<std::size_t>((first + choice * stride) % layer.num_experts)] += 1;
    }
  }
  return loads;
}

}  // namespace

Routing collector_routing(const std::string& distribution, const CollectorLayer& layer) {
  constexpr std::string_view kPowerLaw = "power_law_";
  Routing routing;
  routing.kind = Routing::Kind::dealt;
  if (distribution == "balanced") {
    routing.histogram = balanced_loads(layer);
    return routing;
  }
  double exponent = 0;
  const char* end = distribution.data() + distribution.size();
  const bool is_law = distribution.starts_with(kPowerLaw);
  if (!is_law || std::from_chars(distribution.data() + kPowerLaw.size(), end, exponent).ptr != end ||
      !(exponent > 1) || exponent > 8) {
    throw std::invalid_argument("'balanced' or 'power_law_A' with A above 1");
  }
  Draws draws;
  for (int i = 0; i < kDealings; ++i) {
    const Loads loads = drawn_loads(exponent, layer, draws);
    routing.histogram.insert(routing.histogram.end(), loads.begin(), loads.end());
  }
  return routing;
}

}  // namespace memwall
