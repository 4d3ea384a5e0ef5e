#include "memwall/serving/paired_plan.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "memwall/core/error.h"

namespace memwall {
namespace {

constexpr std::string_view kFfn = "ffn:", kMicro = ":micro";
constexpr int kMostMicroBatches = 64;

[[noreturn]] void refuse(const Plan& plan) {
  throw ConfigError(
      "plan", quoted("mode=" + plan.mode),
      fmt::format("a plan of the ffn pool and 1 to {} micro-batches, as mode=ffn:tp8:pp4:micro2",
                  kMostMicroBatches));
}

}  // namespace

PairedPlan parse_paired_plan(const Plan& plan) {
  PairedPlan paired;
  paired.attention = plan;
  paired.attention.mode.clear();
  if (plan.mode.empty()) {
    return paired;
  }
  const std::size_t micro = plan.mode.rfind(kMicro);
  if (!plan.mode.starts_with(kFfn) || micro == std::string::npos || micro < kFfn.size()) {
    refuse(plan);
  }
  const char* const begin = plan.mode.data() + micro + kMicro.size();
  const char* const end = plan.mode.data() + plan.mode.size();
  const auto [rest, error] = std::from_chars(begin, end, paired.micro_batches);
  if (error != std::errc() || rest != end || paired.micro_batches < 1 ||
      paired.micro_batches > kMostMicroBatches) {
    refuse(plan);
  }
  std::string degrees = plan.mode.substr(kFfn.size(), micro - kFfn.size());
  std::replace(degrees.begin(), degrees.end(), ':', ' ');
  paired.ffn = parse_plan(degrees);
  return paired;
}

Plan to_plan(const PairedPlan& paired) {
  Plan plan = paired.attention;
  std::string degrees = to_text(*paired.ffn);
  std::replace(degrees.begin(), degrees.end(), ' ', ':');
  plan.mode = fmt::format("{}{}{}{}", kFfn, degrees, kMicro, paired.micro_batches);
  return plan;
}

}  // namespace memwall
