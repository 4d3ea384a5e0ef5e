#include "memwall/processors/placement.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>
#include <utility>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/core/unit_text.h"

namespace memwall {
namespace {

constexpr const char* kPlanForm = "degrees such as 'tp8', 'tp4 pp2' or 'tp1 dp8 ep8 mode=capacity'";
constexpr int kMostChips = 1 << 20;

[[noreturn]] void refuse(const std::string& found, const std::string& expected) {
  throw ConfigError("plan", quoted(found), expected);
}

// "tp8" -> {"tp", 8}
std::pair<std::string, int> parse_degree(const std::string& word) {
  const std::size_t digits = std::min(word.find_first_of("0123456789"), word.size());
  int value = 0;
  const auto [rest, error] = std::from_chars(word.data() + digits, word.data() + word.size(), value);
  if (error != std::errc() || rest != word.data() + word.size() || value < 1 || value > kMostChips) {
    refuse(word, kPlanForm);
  }
  return {word.substr(0, digits), value};
}

}  // namespace

std::string to_text(const Plan& plan) {
  std::string text = fmt::format("tp{}", plan.tp);
  const auto add = [&text](std::string_view name, int degree) {
    text += degree == 1 ? "" : fmt::format(" {}{}", name, degree);
  };
  add("pp", plan.pp);
  add("dp", plan.dp);
  add("ep", plan.ep);
  return text + (plan.mode.empty() ? "" : " mode=" + plan.mode);
}

Plan parse_plan(const std::string& text) {
  std::string spaced = text;
  std::replace(spaced.begin(), spaced.end(), ',', ' ');
  std::istringstream words(spaced);
  Plan plan;
  const std::array<std::pair<std::string, int*>, 4> degrees = {
      {{"tp", &plan.tp}, {"pp", &plan.pp}, {"dp", &plan.dp}, {"ep", &plan.ep}}};
  std::vector<std::string> seen;
  constexpr std::string_view kMode = "mode=";
  for (std::string word; words >> word;) {
    std::string name = "mode";
    if (word.starts_with(kMode)) {
      plan.mode = word.substr(kMode.size());
      if (plan.mode.empty()) {
        refuse(word, kPlanForm);
      }
    } else {
      const auto [key, value] = parse_degree(word);
      const auto known = std::find_if(degrees.begin(), degrees.end(),
                                      [&key = key](const auto& degree) { return degree.first == key; });
      if (known == degrees.end()) {
        refuse(word, kPlanForm);
      }
      *known->second = value;
      name = key;
    }
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      refuse(text, "each degree once");
    }
    seen.push_back(name);
  }
  if (seen.empty()) {
    refuse(text, kPlanForm);
  }
  if (std::int64_t{plan.tp} * plan.pp > kMostChips / plan.dp) {
    refuse(text, fmt::format("at most {} chips", kMostChips));
  }
  return plan;
}

std::string to_text(const Placement& placement) {
  std::string text = fmt::format("plan {} on {} chips: {}\n", to_text(placement.plan), placement.plan.chips(),
                                 placement.fits ? "fits" : "does not fit, " + placement.refusal);
  for (const MemoryUse& use : placement.memory) {
    text +=
        fmt::format("  {}: {} of {} used (weights {}, kv {}, activations {})", use.level, to_text(use.used()),
                    to_text(use.capacity), to_text(use.weights), to_text(use.kv), to_text(use.activations));
    text += use.shortfall() > Bytes(0) ? fmt::format(", short by {}\n", to_text(use.shortfall())) : "\n";
  }
  if (placement.fits && placement.kv_capacity_tokens > 0) {
    text += fmt::format("  room for {} tokens of context\n", placement.kv_capacity_tokens);
  }
  if (!placement.fits && placement.smallest_chips > 0) {
    text += fmt::format("  smallest system of this chip that fits: {} chips\n", placement.smallest_chips);
  }
  return text;
}

}  // namespace memwall
