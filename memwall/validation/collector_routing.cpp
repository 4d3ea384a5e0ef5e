#include "memwall/validation/collector_routing.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace memwall {
namespace {

// splitmix64 (Steele et al., 2014): the same numbers everywhere.
class Shuffle {
 public:
  std::uint64_t next() {
    std::uint64_t mixed = (state_ += 0x9e3779b97f4a7c15u);
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
  }
  void operator()(std::vector<double>& values) {
    for (std::size_t i = values.size(); i > 1; --i) {
      std::swap(values[i - 1], values[next() % i]);
    }
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

// Scales to `pairs` with at most `most` each; what an expert may not have goes to the others.
void scale(std::vector<double>& loads, double pairs, double most) {
  constexpr int kRounds = 50;
  for (int round = 0; round < kRounds; ++round) {
    double free = 0, fixed = 0;
    for (const double load : loads) {
      (load < most ? free : fixed) += load;
    }
    if (free <= 0 || std::abs(free + fixed - pairs) < 1e-9 * pairs) {
      return;
    }
    for (double& load : loads) {
      load = load < most ? std::min(most, load * (pairs - fixed) / free) : load;
    }
  }
}

// Whole pairs with the same sum: rounded, and the difference taken from or given to the largest.
void round_to_pairs(std::vector<double>& loads, double pairs) {
  double sum = 0;
  for (double& load : loads) {
    load = std::round(load);
    sum += load;
  }
  std::vector<std::size_t> order(loads.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return loads[a] > loads[b]; });
  for (std::size_t i = 0; std::abs(pairs - sum) >= 1 && i < 4 * loads.size(); ++i) {
    double& load = loads[order[i % order.size()]];
    const double step = pairs > sum ? 1 : load > 0 ? -1 : 0;
    load += step;
    sum += step;
  }
}

std::vector<double> drawn_loads(double exponent, const CollectorLayer& layer) {
  const double tokens = static_cast<double>(layer.tokens), experts = static_cast<double>(layer.num_experts);
  const double pairs = tokens * static_cast<double>(layer.top_k);
  const bool is_many = pairs > experts;
  std::vector<double> loads;
  for (std::int64_t i = 0; i < layer.num_experts; ++i) {
    loads.push_back(power_law_quantile(exponent, is_many ? 1 : 0.01, is_many ? 0.8 * tokens : 2,
                                       (static_cast<double>(i) + 0.5) / experts));
  }
  scale(loads, pairs, tokens);
  round_to_pairs(loads, pairs);
  Shuffle()(loads);
  return loads;
}

std::vector<double> balanced_loads(const CollectorLayer& layer) {
  std::vector<double> loads(static_cast<std::size_t>(layer.num_experts), 0);
  const std::int64_t pairs = layer.tokens * layer.top_k;
  const std::int64_t each = pairs / layer.num_experts, left = pairs % layer.num_experts;
  for (std::size_t i = 0; i < loads.size(); ++i) {
    loads[i] = static_cast<double>(static_cast<std::int64_t>(i) < left ? each + 1 : each);
  }
  // Pairs fewer than experts are spread over all groups of them.
  if (pairs < layer.num_experts) {
    std::fill(loads.begin(), loads.end(), 0);
    for (std::int64_t i = 0; i < pairs; ++i) {
      loads[static_cast<std::size_t>(i * layer.num_experts / pairs)] += 1;
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
  routing.histogram = drawn_loads(exponent, layer);
  return routing;
}

}  // namespace memwall
