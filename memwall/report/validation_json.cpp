#include <nlohmann/json.hpp>

#include "memwall/report/validation_report.h"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

Json errors_json(const std::optional<ErrorSummary>& errors) {
  if (!errors) {
    return nullptr;
  }
  return {{"mean", errors->mean},
          {"median", errors->median},
          {"bias", errors->bias},
          {"p90", errors->p90},
          {"worst", errors->worst}};
}

std::string_view unit(MeasuredQuantity quantity) {
  switch (quantity) {
    case MeasuredQuantity::time:
      return "s";
    case MeasuredQuantity::power:
      return "W";
    case MeasuredQuantity::energy_per_token:
      return "J/token";
    case MeasuredQuantity::figure:
      return "the figure's own";
    case MeasuredQuantity::throughput:
      break;
  }
  return "tokens/s";
}

Json target_json(double target) { return target > 0 ? Json(target) : Json(nullptr); }

}  // namespace

Json validation_json(const Validation& validation) {
  const IntervalTest& intervals = validation.intervals;
  Json json = {{"measurements", validation.measurements},
               {"intervals",
                {{"rows", intervals.rows}, {"inside", intervals.inside}, {"coverage", intervals.coverage()}}},
               {"sets", Json::array()},
               {"exclusions", Json::array()},
               {"worse_than_recorded", validation.worse}};
  for (const SetResult& result : validation.sets) {
    json["sets"].push_back({{"set", result.set->name},
                            {"title", result.set->title},
                            {"group", result.group},
                            {"n", result.calibrated.n},
                            {"unit", unit(result.quantity)},
                            {"calibrated", errors_json(result.calibrated)},
                            {"datasheet", errors_json(result.datasheet)},
                            {"carried", errors_json(result.carried)},
                            {"roofline", errors_json(result.roofline)},
                            {"target", target_json(result.set->target)},
                            {"datasheet_target", target_json(result.set->datasheet_target)},
                            {"worst_target", target_json(result.set->worst_target)},
                            {"meets_target", result.meets_target()},
                            {"meets_datasheet_target", result.meets_datasheet_target()},
                            {"worst_row",
                             {{"inputs", result.worst.what},
                              {"predicted", result.worst.predicted},
                              {"measured", result.worst.measured}}}});
  }
  for (const Exclusion& each : validation.exclusions) {
    json["exclusions"].push_back({{"set", each.origin}, {"rows", each.rows}, {"reason", each.reason}});
  }
  return json;
}

}  // namespace memwall
