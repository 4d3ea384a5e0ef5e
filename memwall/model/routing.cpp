#include <algorithm>
#include <charconv>
#include <cmath>

#include "memwall/core/config_reader.h"
#include "memwall/core/error.h"
#include "memwall/model/step.h"

namespace memwall {
namespace {

constexpr double kSteepestExponent = 8;
// Bounds of a histogram's weights: their ratio stays far from what doubles cannot resolve.
constexpr double kLeastWeight = 1e-9, kMostWeight = 1e9;

// Unnormalised popularity of the expert of the given index.
double popularity(const Routing& routing, std::int64_t index) {
  if (routing.kind == Routing::Kind::histogram) {
    return routing.histogram[static_cast<std::size_t>(index)];
  }
  return std::pow(static_cast<double>(index + 1), -routing.exponent);
}

// The factor c / sum(popularity) with which sum of 1 - exp(-factor * popularity_i) is top_k.
// The sum is concave in the factor, so Newton's method from below never oversteps.
// REQUIRES: top_k < num_experts.
double solve_factor(std::int64_t num_experts, std::int64_t top_k, const Routing& routing) {
  const auto wanted = static_cast<double>(top_k);
  double slope = 0;
  const auto included = [&](double factor) {
    double sum = 0;
    slope = 0;
    for (std::int64_t i = 0; i < num_experts; ++i) {
      const double weight = popularity(routing, i);
      const double missed = std::exp(-factor * weight);
      sum += 1 - missed;
      slope += weight * missed;
    }
    return sum;
  };
  double total = 0;
  for (std::int64_t i = 0; i < num_experts; ++i) {
    total += popularity(routing, i);
  }
  double factor = wanted / total;  // below the solution, since 1 - exp(-x) < x
  while (included(2 * factor) < wanted) {
    factor *= 2;
  }
  constexpr int kMostIterations = 60;
  constexpr double kPrecision = 1e-14;
  for (int i = 0; i < kMostIterations; ++i) {
    const double missing = wanted - included(factor);
    const double change = missing / slope;
    factor += change;
    if (!(change > kPrecision * factor)) {
      break;
    }
  }
  return factor;
}

const Routing::Solution* find_solution(const Routing& routing, std::int64_t num_experts, std::int64_t top_k) {
  for (const Routing::Solution& solution : routing.solutions) {
    if (solution.num_experts == num_experts && solution.experts_per_token == top_k) {
      return &solution;
    }
  }
  return nullptr;
}

// Calls visit(index, c p_index) for every expert. REQUIRES: a skewed routing and top_k < num_experts.
template <class Visit>
void for_each_rate(std::int64_t num_experts, std::int64_t top_k, const Routing& routing, Visit&& visit) {
  if (const Routing::Solution* solution = find_solution(routing, num_experts, top_k)) {
    for (std::int64_t i = 0; i < num_experts; ++i) {
      visit(i, solution->rates[static_cast<std::size_t>(i)]);
    }
    return;
  }
  const double factor = solve_factor(num_experts, top_k, routing);
  for (std::int64_t i = 0; i < num_experts; ++i) {
    visit(i, factor * popularity(routing, i));
  }
}

double sum_of_shares(std::int64_t num_experts, const Routing& routing) {
  double sum = 0;
  for (std::int64_t i = 0; i < num_experts; ++i) {
    sum += routing.histogram[static_cast<std::size_t>(i)];
  }
  return sum;
}

bool is_even(std::int64_t num_experts, std::int64_t top_k, const Routing& routing) {
  return routing.kind == Routing::Kind::uniform || top_k >= num_experts;
}

std::vector<double> read_histogram(const std::string& file) {
  const Document document = parse_json(read_text_file(file), file);
  const std::string expected = "a list of positive numbers, one per expert";
  if (document.root.kind != Node::Kind::sequence || document.root.items.empty()) {
    throw ConfigError({file, 1, 1}, "routing", "something else", expected);
  }
  std::vector<double> weights;
  for (const Node& item : document.root.items) {
    double weight = 0;
    const char* end = item.text.data() + item.text.size();
    const auto [rest, error] = std::from_chars(item.text.data(), end, weight);
    if (item.kind != Node::Kind::scalar || item.quoted || error != std::errc() || rest != end ||
        !(weight >= kLeastWeight) || !(weight <= kMostWeight)) {
      throw ConfigError({file, item.line, item.column}, "routing", quoted(item.text),
                        "a number from 1e-9 to 1e9");
    }
    weights.push_back(weight);
  }
  return weights;
}

}  // namespace

Routing parse_routing(const std::string& text) {
  constexpr std::string_view kPowerLaw = "power_law:", kHistogram = "histogram:";
  Routing routing;
  if (text == "uniform") {
    return routing;
  }
  if (text.starts_with(kPowerLaw)) {
    routing.kind = Routing::Kind::power_law;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + kPowerLaw.size(), end, routing.exponent);
    if (error != std::errc() || rest != end || !(routing.exponent >= 0) ||
        routing.exponent > kSteepestExponent) {
      throw ConfigError("routing", quoted(text), "an exponent from 0 to 8, such as 'power_law:1.2'");
    }
    return routing;
  }
  if (text.starts_with(kHistogram)) {
    routing.kind = Routing::Kind::histogram;
    routing.histogram = read_histogram(text.substr(kHistogram.size()));
    return routing;
  }
  throw ConfigError("routing", quoted(text), "'uniform', 'power_law:EXPONENT' or 'histogram:FILE'");
}

void solve(Routing& routing, const Model& model) {
  if (routing.kind == Routing::Kind::dealt) {
    return;
  }
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    const auto* experts = std::get_if<Experts>(&op.shape);
    if (experts == nullptr || is_even(experts->num_experts, experts->experts_per_token, routing) ||
        find_solution(routing, experts->num_experts, experts->experts_per_token) != nullptr) {
      return;
    }
    Routing::Solution solution{experts->num_experts, experts->experts_per_token, {}};
    for_each_rate(experts->num_experts, experts->experts_per_token, routing,
                  [&](std::int64_t, double rate) { solution.rates.push_back(rate); });
    routing.solutions.push_back(std::move(solution));
  });
}

double expected_distinct_experts(std::int64_t num_experts, std::int64_t top_k, double tokens,
                                 const Routing& routing) {
  const auto experts = static_cast<double>(num_experts);
  if (is_even(num_experts, top_k, routing)) {
    const double chance = std::min(1.0, static_cast<double>(top_k) / experts);
    // E (1 - (1 - k/E)^T) without the loss of digits when k/E is small.
    return chance < 1 ? -experts * std::expm1(tokens * std::log1p(-chance)) : (tokens > 0 ? experts : 0);
  }
  double distinct = 0;
  if (routing.kind == Routing::Kind::dealt) {
    const double pairs = tokens * static_cast<double>(top_k) / sum_of_shares(num_experts, routing);
    for (std::int64_t i = 0; i < num_experts; ++i) {
      distinct += std::min(1.0, pairs * routing.histogram[static_cast<std::size_t>(i)]);
    }
    return distinct;
  }
  for_each_rate(num_experts, top_k, routing,
                [&](std::int64_t, double rate) { distinct -= std::expm1(-rate * tokens); });
  return distinct;
}

double expected_imbalance(std::int64_t num_experts, std::int64_t top_k, std::int64_t groups,
                          const Routing& routing) {
  if (groups <= 1 || is_even(num_experts, top_k, routing)) {
    return 1;
  }
  double busiest = 0;
  if (routing.kind == Routing::Kind::dealt) {
    for (std::int64_t group = 0; group < groups; ++group) {
      double load = 0;
      for (std::int64_t i = group * num_experts / groups; i < (group + 1) * num_experts / groups; ++i) {
        load += routing.histogram[static_cast<std::size_t>(i)];
      }
      busiest = std::max(busiest, load);
    }
    return busiest * static_cast<double>(groups) / sum_of_shares(num_experts, routing);
  }
  const bool in_turns = routing.kind == Routing::Kind::power_law;
  // One pass per group: group counts are small, and this way nothing is allocated.
  for (std::int64_t group = 0; group < groups; ++group) {
    double load = 0;
    for_each_rate(num_experts, top_k, routing, [&](std::int64_t index, double rate) {
      const std::int64_t owner = in_turns ? index % groups : index * groups / num_experts;
      load -= owner == group ? std::expm1(-rate) : 0;
    });
    busiest = std::max(busiest, load);
  }
  return busiest * static_cast<double>(groups) / static_cast<double>(top_k);
}

}  // namespace memwall
