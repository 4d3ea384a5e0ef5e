#include "memwall/serving/plan_choice.h"

#include <array>
#include <charconv>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "memwall/core/error.h"

namespace memwall {
namespace {

constexpr int kLargestDegree = 65536;

// The degree that a word such as "tp8" sets, or nothing when it is no degree but a mode.
bool read_degree(std::string_view word, Plan& plan, std::set<std::string>& seen, const std::string& whole) {
  const std::array<std::pair<std::string_view, int*>, 4> degrees = {
      {{"tp", &plan.tp}, {"pp", &plan.pp}, {"dp", &plan.dp}, {"ep", &plan.ep}}};
  for (const auto& [prefix, degree] : degrees) {
    if (!word.starts_with(prefix)) {
      continue;
    }
    const std::string_view digits = word.substr(prefix.size());
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), *degree);
    if (error != std::errc() || end != digits.data() + digits.size() || *degree < 1 ||
        *degree > kLargestDegree || !seen.insert(std::string(prefix)).second) {
      throw ConfigError("plan", quoted(whole), "degrees from 1 to 65536, each once, such as 'tp4 pp2'");
    }
    return true;
  }
  return false;
}

// Bytes that a placement lacks on its fullest chip; infinite when memory is not the reason.
double shortfall(const Placement& placement) {
  double bytes = 0;
  for (const MemoryUse& use : placement.memory) {
    bytes += use.shortfall().value;
  }
  return bytes > 0 ? bytes : std::numeric_limits<double>::infinity();
}

}  // namespace

Plan parse_plan(const std::string& text) {
  Plan plan;
  std::set<std::string> seen;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find_first_of(" ,", begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    begin = end + 1;
    if (word.empty() || read_degree(word, plan, seen, text)) {
      continue;
    }
    if (!plan.mode.empty()) {
      throw ConfigError("plan", quoted(text), "degrees such as 'tp4 pp2' and at most one mode");
    }
    plan.mode = word;
  }
  if (plan == Plan{} && seen.empty()) {
    throw ConfigError("plan", quoted(text), "degrees such as 'tp8' or 'tp4 pp2'");
  }
  return plan;
}

ChosenPlan choose_plan(const Model& model, const System& system, const Processor& processor,
                       const std::optional<Plan>& named, const Need& need, const LowerOptions& options,
                       const std::function<Seconds(StepTimer&)>& cost) {
  if (named) {
    return {std::make_unique<StepTimer>(model, system, processor, *named, need, options), false};
  }
  std::unique_ptr<StepTimer> best;
  double least = std::numeric_limits<double>::infinity();
  for (const Plan& plan : processor.candidate_plans(model, system)) {
    auto timer = std::make_unique<StepTimer>(model, system, processor, plan, need, options);
    const bool first_that_fits = timer->fits() && best != nullptr && !best->fits();
    if (best != nullptr && best->fits() && !timer->fits()) {
      continue;
    }
    const double value = timer->fits() ? cost(*timer).value : shortfall(timer->placement());
    if (best == nullptr || first_that_fits || value < least) {
      best = std::move(timer);
      least = value;
    }
  }
  if (best == nullptr) {
    throw ConfigError("system", quoted(system.name),
                      "a number of chips over which " + model.name + " can be divided");
  }
  return {std::move(best), true};
}

}  // namespace memwall
