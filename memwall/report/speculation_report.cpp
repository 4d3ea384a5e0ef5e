#include "memwall/report/speculation_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "memwall/core/unit_text.h"
#include "memwall/report/text_table.h"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

std::string side_line(const char* role, const SpeculationSide& side) {
  const std::string where =
      fmt::format("{}: {} on {}, {}", role, side.model, side.system, to_text(side.plan));
  return side.fits ? fmt::format("{}, a pass in {}\n", where, to_text(side.pass))
                   : fmt::format("{}: does not fit, {}\n", where, side.refusal);
}

Json side_json(const SpeculationSide& side) {
  return {{"model", side.model},        {"system", side.system},
          {"fits", side.fits},          {"refusal", side.fits ? Json(nullptr) : Json(side.refusal)},
          {"plan", to_text(side.plan)}, {"pass_s", side.fits ? Json(side.pass.value) : Json(nullptr)}};
}

std::string times(double factor) { return fmt::format("{:.2f}x", factor); }

}  // namespace

std::string speculation_table(const SpeculationQuery& query, const SpeculationResult& result, Ink ink) {
  std::string text = painted(fmt::format("{} verifies drafts of {}: {} sequences at {} tokens",
                                         query.target.name, query.draft.name, query.batch, query.context),
                             Tone::strong, ink) +
                     "\n\n" + side_line("target", result.target) + side_line("drafter", result.draft);
  if (result.target.fits) {
    text += fmt::format("alone the target makes {} tokens/s per user at {} per token; transfer {} each way\n",
                        count_text(result.alone_tokens_per_s_per_user),
                        to_text(Joules(result.alone_j_per_token)), to_text(result.transfer));
  }
  if (result.points.empty()) {
    return text;
  }
  TextTable table({{"accepted", true},
                   {"drafts", true},
                   {"tokens/round", true},
                   {"draft", true},
                   {"verify", true},
                   {"tok/s: user", true},
                   {"speedup", true},
                   {"over one system", true},
                   {"J/token", true},
                   {"one system", true}});
  for (const SpeculationPoint& point : result.points) {
    table.add_row({percent_text(point.acceptance), std::to_string(point.drafted),
                   fmt::format("{:.2f}", point.tokens_per_round), to_text(point.draft), to_text(point.verify),
                   count_text(point.tokens_per_s_per_user), times(point.speedup),
                   point.speedup_together ? times(*point.speedup_together) : "-",
                   count_text(point.j_per_token),
                   point.j_per_token_together ? count_text(*point.j_per_token_together) : "-"});
  }
  return text + "\n" + table.text() +
         "(speedup: over the target alone; one system: the drafter beside the target, without transfers)\n";
}

Json speculation_json(const SpeculationQuery& query, const SpeculationResult& result) {
  const auto optional = [](const std::optional<double>& value) {
    return value ? Json(*value) : Json(nullptr);
  };
  Json json = {{"batch", query.batch},
               {"context", query.context},
               {"target", side_json(result.target)},
               {"draft", side_json(result.draft)},
               {"transfer_s", result.transfer.value}};
  json["alone_tokens_per_s_per_user"] =
      result.target.fits ? Json(result.alone_tokens_per_s_per_user) : Json(nullptr);
  json["alone_j_per_token"] = result.target.fits ? Json(result.alone_j_per_token) : Json(nullptr);
  json["points"] = Json::array();
  for (const SpeculationPoint& point : result.points) {
    json["points"].push_back({{"acceptance", point.acceptance},
                              {"drafted", point.drafted},
                              {"tokens_per_round", point.tokens_per_round},
                              {"draft_s", point.draft.value},
                              {"verify_s", point.verify.value},
                              {"round_s", point.round.value},
                              {"tokens_per_s_per_user", point.tokens_per_s_per_user},
                              {"speedup", point.speedup},
                              {"speedup_over_one_system", optional(point.speedup_together)},
                              {"j_per_token", point.j_per_token},
                              {"one_system_j_per_token", optional(point.j_per_token_together)}});
  }
  return json;
}

}  // namespace memwall
