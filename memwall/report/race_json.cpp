#include <cmath>

#include <nlohmann/json.hpp>

#include "memwall/report/json_text.h"
#include "memwall/report/race_report.h"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

Json phase_json(const Phase& phase) {
  return {{"time_s", phase.time.value},
          {"bound_s", phase.bound.value},
          {"bound_fraction", phase.bound_fraction()},
          {"bound_by", phase.bound_by},
          {"shares", shares_json(phase.shares)},
          {"ops", phase.ops.value},
          {"bytes", phase.bytes.value},
          {"moved_bytes", phase.moved.value},
          {"ops_per_byte", phase.ops_per_byte()},
          {"achieved_ops_per_s", phase.achieved().value},
          {"energy_j", phase.energy.value},
          {"energy_shares", shares_json(phase.energy_shares)},
          {"clock", clock_json(phase.clock, phase.clock_share)}};
}

Json roofline_json(const RaceResult& result) {
  return {{"arithmetic", result.arithmetic},
          {"peak_ops_per_s", result.peak_ops.value},
          {"memory", result.memory_level},
          {"peak_bytes_per_s", result.peak_bandwidth.value}};
}

Json pareto_json(const std::vector<ParetoPoint>& points) {
  Json json = Json::array();
  for (const ParetoPoint& point : points) {
    json.push_back({{"batch", point.batch},
                    {"plan", to_text(point.plan)},
                    {"users", point.users},
                    {"tpot_s", point.tpot.value},
                    {"tokens_per_s_per_user", point.tokens_per_s_per_user},
                    {"tokens_per_s_per_chip", point.tokens_per_s_per_chip}});
  }
  return json;
}

Json sensitivity_json(const std::vector<Sensitivity>& estimates) {
  Json json = Json::array();
  for (const Sensitivity& each : estimates) {
    Json entry = {{"card", each.card},
                  {"fact", each.fact},
                  {"value", each.value},
                  {"estimate", each.estimate},
                  {"has_range", each.has_range}};
    if (each.has_range) {
      entry["tpot_low_s"] = each.tpot_low.value;
      entry["tpot_high_s"] = each.tpot_high.value;
      entry["ttft_low_s"] = each.ttft_low.value;
      entry["ttft_high_s"] = each.ttft_high.value;
      entry["j_per_token_low"] = each.j_per_token_low;
      entry["j_per_token_high"] = each.j_per_token_high;
      entry["tpot_swing"] = each.tpot_swing;
    }
    json.push_back(std::move(entry));
  }
  return json;
}

Json result_json(const RaceResult& result) {
  const auto figure = [&](double value) { return result.fits ? Json(value) : Json(nullptr); };
  Json json = {{"system", result.system},
               {"title", result.title},
               {"family", result.family},
               {"chips", result.chips},
               {"model", result.model},
               {"fits", result.fits},
               {"refusal", result.fits ? Json(nullptr) : Json(result.refusal)},
               {"smallest_chips", result.smallest_chips},
               {"plan", to_text(result.plan)},
               {"plan_was_chosen", result.plan_was_chosen},
               {"users", figure(result.users)},
               {"ttft_s", figure(result.ttft.value)},
               {"tpot_s", figure(result.tpot.value)},
               {"e2e_s", figure(result.end_to_end.value)},
               {"tokens_per_s_per_user", figure(result.tokens_per_s_per_user)},
               {"tokens_per_s_per_chip", figure(result.tokens_per_s_per_chip)},
               {"tokens_per_s", figure(result.tokens_per_s)},
               {"j_per_token", figure(result.j_per_token)},
               {"j_per_token_shares", result.fits ? shares_json(result.j_per_token_shares) : Json(nullptr)},
               {"error", {{"ttft", error_json(result.ttft_error)}, {"tpot", error_json(result.tpot_error)}}},
               {"bound_by", result.fits ? Json(result.decode.bound_by) : Json(nullptr)},
               {"memory", memory_json(result.memory)}};
  if (result.fits) {
    json["prefill"] = phase_json(result.prefill);
    json["decode"] = phase_json(result.decode);
    json["roofline"] = roofline_json(result);
    json["pareto"] = pareto_json(result.pareto);
    json["estimates"] = sensitivity_json(result.estimates);
  }
  return json;
}

}  // namespace

Json race_json(const RaceQuery& query, const std::vector<RaceResult>& results) {
  Json json = {{"prompt_tokens", query.prompt}, {"output_tokens", query.output}, {"batch", query.batch}};
  json["results"] = Json::array();
  for (const RaceResult& result : results) {
    json["results"].push_back(result_json(result));
  }
  return json;
}

}  // namespace memwall
