#include <algorithm>

#include "memwall/serving/phases.h"
#include "memwall/serving/race.h"

namespace memwall {
namespace {

// Points that no other beats in one rate without losing in the other; ascending batch.
std::vector<ParetoPoint> frontier(std::vector<ParetoPoint> points) {
  std::stable_sort(points.begin(), points.end(), [](const ParetoPoint& a, const ParetoPoint& b) {
    return a.tokens_per_s_per_user != b.tokens_per_s_per_user
               ? a.tokens_per_s_per_user > b.tokens_per_s_per_user
               : a.tokens_per_s_per_chip > b.tokens_per_s_per_chip;
  });
  std::vector<ParetoPoint> kept;  // fastest for one user first, so a point must beat the last in throughput
  for (ParetoPoint& point : points) {
    if (kept.empty() || point.tokens_per_s_per_chip > kept.back().tokens_per_s_per_chip) {
      kept.push_back(std::move(point));
    }
  }
  std::stable_sort(kept.begin(), kept.end(),
                   [](const ParetoPoint& a, const ParetoPoint& b) { return a.batch < b.batch; });
  return kept;
}

}  // namespace

std::vector<ParetoPoint> pareto_sweep(const RaceQuery& query, const System& system,
                                      const Processor& processor) {
  constexpr std::int64_t kLargestBatch = 16384;
  const std::vector<Plan> plans =
      query.plan ? std::vector<Plan>{*query.plan} : processor.candidate_plans(query.model, system);
  std::vector<ParetoPoint> points;
  for (const Plan& plan : plans) {
    RaceQuery at = query;
    for (at.batch = 1; at.batch <= kLargestBatch; at.batch *= 2) {
      StepTimer timer(at.model, system, processor, plan, need_of(at), at.options);
      if (!timer.fits()) {
        break;  // a larger batch needs more
      }
      ParetoPoint point;
      point.batch = at.batch;
      point.plan = plan;
      point.users = static_cast<double>(at.batch) * timer.batches_in_flight();
      point.tpot = timer.time(decode_step(at));
      point.tokens_per_s_per_user = 1 / point.tpot.value;
      point.tokens_per_s_per_chip = point.users * point.tokens_per_s_per_user / system.chips();
      points.push_back(point);
    }
  }
  return frontier(std::move(points));
}

}  // namespace memwall
