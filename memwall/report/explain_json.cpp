#include "memwall/report/explain_json.h"

#include <nlohmann/json.hpp>

#include "memwall/report/json_text.h"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

std::string_view kind(const OpShape& shape) {
  struct Visitor {
    std::string_view operator()(const Embedding&) { return "embedding"; }
    std::string_view operator()(const Norm&) { return "norm"; }
    std::string_view operator()(const Linear&) { return "linear"; }
    std::string_view operator()(const Rope&) { return "rope"; }
    std::string_view operator()(const Attention&) { return "attention"; }
    std::string_view operator()(const Activation&) { return "activation"; }
    std::string_view operator()(const ResidualAdd&) { return "residual_add"; }
    std::string_view operator()(const Experts&) { return "experts"; }
    std::string_view operator()(const Sampler&) { return "sampler"; }
  };
  return std::visit(Visitor{}, shape);
}

Json facts_json(const Chip& card) {
  Json facts = Json::array();
  for (const auto& [key, fact] : card.facts) {
    const auto text = [](const std::string& words) { return words.empty() ? Json(nullptr) : Json(words); };
    facts.push_back({{"card", card.name},
                     {"fact", key},
                     {"value", fact.text},
                     {"base_units", fact.value},
                     {"source", text(fact.source)},
                     {"estimate", text(fact.estimate)},
                     {"fitted", text(fact.fitted)},
                     {"low", fact.low ? Json(*fact.low) : Json(nullptr)},
                     {"high", fact.high ? Json(*fact.high) : Json(nullptr)}});
  }
  return facts;
}

// Adds a row per task, and a row per demand of it.
void add_task(const Program& program, const Block& block, std::size_t index, Json& json) {
  const Task& task = block.tasks[index];
  const std::string& label = program.labels[static_cast<std::size_t>(task.label)];
  Json predecessors = Json::array();
  for (std::int32_t i = 0; i < task.predecessor_count; ++i) {
    predecessors.push_back(task.predecessors[static_cast<std::size_t>(i)]);
  }
  json["tasks"].push_back({{"block", block.name},
                           {"repeat", block.repeat},
                           {"task", index},
                           {"operator", label},
                           {"predecessors", std::move(predecessors)}});
  for (std::int32_t i = 0; i < task.demand_count; ++i) {
    const Demand& demand = task.demands[static_cast<std::size_t>(i)];
    json["demands"].push_back(
        {{"block", block.name},
         {"repeat", block.repeat},
         {"task", index},
         {"operator", label},
         {"resource", program.resources[static_cast<std::size_t>(demand.resource)].name},
         {"category", memwall::name(demand.category)},
         {"useful", demand.useful},
         {"switched", demand.switched},
         {"charged", demand.charged}});
  }
}

}  // namespace

Json explain_json(const Model& model) {
  const ParameterCount count = parameters(model);
  Json json = {{"model", model.name},
               {"architecture", model.architecture},
               {"parameters", count.total},
               {"active_parameters", count.active},
               {"kv_bytes_per_token", kv_bytes_per_token(model).value},
               {"operators", Json::array()}};
  for_each_operator(model, [&](const Operator& op, std::int64_t repeat) {
    const ParameterCount each = parameters(op);
    json["operators"].push_back({{"operator", op.name},
                                 {"kind", kind(op.shape)},
                                 {"split", name(op.split)},
                                 {"repeat", repeat},
                                 {"parameters", each.total},
                                 {"active_parameters", each.active},
                                 {"weights_bytes", weight_bytes(op).value}});
  });
  return json;
}

Json explain_json(const Model& model, const Step& step) {
  Json json = {{"model", model.name},
               {"sequences", step.sequences()},
               {"new_tokens", step.new_tokens()},
               {"operators", Json::array()}};
  for_each_operator(model, [&](const Operator& op, std::int64_t repeat) {
    const OpWork each = work(op, step);
    json["operators"].push_back({{"operator", op.name},
                                 {"kind", kind(op.shape)},
                                 {"repeat", repeat},
                                 {"m", each.m},
                                 {"n", each.n},
                                 {"k", each.k},
                                 {"macs", each.macs},
                                 {"weight_read_bytes", each.weight_read.value},
                                 {"kv_read_bytes", each.kv_read.value},
                                 {"kv_written_bytes", each.kv_written.value},
                                 {"activation_read_bytes", each.activation_read.value},
                                 {"activation_written_bytes", each.activation_written.value},
                                 {"distinct_experts", each.distinct_experts}});
  });
  return json;
}

Json explain_json(const Placement& placement) {
  return {{"plan", to_text(placement.plan)},
          {"fits", placement.fits},
          {"refusal", placement.fits ? Json(nullptr) : Json(placement.refusal)},
          {"smallest_chips", placement.smallest_chips},
          {"kv_capacity_tokens", placement.kv_capacity_tokens},
          {"memory", memory_json(placement.memory)}};
}

Json explain_json(const Program& program) {
  Json json = {{"replicas", program.replicas},
               {"static_power_w", program.static_power.value},
               {"clocked_power_w", program.power.clocked.value},
               {"power_limit_w", program.power.limit.value},
               {"clock_share", program.power.clock_share},
               {"task_count", program.task_count()},
               {"resources", Json::array()},
               {"tasks", Json::array()},
               {"demands", Json::array()}};
  for (const Resource& resource : program.resources) {
    json["resources"].push_back({{"resource", resource.name},
                                 {"amount", unit(resource.amount)},
                                 {"is_delay", resource.is_delay},
                                 {"peak_per_s", resource.peak_rate},
                                 {"sustained_per_s", resource.sustained_rate},
                                 {"j_per_amount", resource.energy_per_amount.value}});
  }
  for (const Block& block : program.blocks) {
    for (std::size_t i = 0; i < block.tasks.size(); ++i) {
      add_task(program, block, i, json);
    }
  }
  return json;
}

Json explain_json(const Ledger& ledger) {
  Json json = {{"time_s", ledger.time.value},
               {"bound_s", ledger.bound.value},
               {"ops", ledger.ops.value},
               {"bytes", ledger.bytes.value},
               {"dynamic_energy_j", ledger.dynamic_energy.value},
               {"static_energy_j", ledger.static_energy.value},
               {"bound_by", ledger.bound_by},
               {"shares", shares_json(ledger.shares)},
               {"energy_shares", shares_json(ledger.energy_shares())},
               {"clock", clock_json(ledger.clock, ledger.clock_share)},
               {"lines", Json::array()},
               {"resources", Json::array()}};
  for (const LedgerLine& line : ledger.lines) {
    json["lines"].push_back({{"block", line.block},
                             {"operator", line.label},
                             {"tasks", line.tasks},
                             {"busy_s", line.busy.value},
                             {"waiting_s", line.waiting.value},
                             {"on_path_s", line.on_path.value},
                             {"bytes", line.bytes.value},
                             {"ops", line.ops.value},
                             {"energy_j", line.energy.value}});
  }
  for (const ResourceLine& line : ledger.resources) {
    json["resources"].push_back({{"resource", line.resource},
                                 {"busy_s", line.busy.value},
                                 {"utilization", line.utilization},
                                 {"useful", line.useful},
                                 {"charged", line.charged},
                                 {"energy_j", line.energy.value}});
  }
  return json;
}

Json explain_json(const Chip& chip) {
  return {{"chip", chip.name}, {"family", chip.family}, {"title", chip.title}, {"facts", facts_json(chip)}};
}

Json explain_json(const std::vector<FigureRange>& figures) {
  Json json = {{"figures", Json::array()}};
  for (const FigureRange& range : figures) {
    json["figures"].push_back({{"figure", range.figure.name},
                               {"value", range.figure.value},
                               {"unit", range.figure.unit},
                               {"low", range.low},
                               {"high", range.high},
                               {"widest", range.widest.empty() ? Json(nullptr) : Json(range.widest)}});
  }
  return json;
}

Json explain_json(const System& system) {
  Json json = {{"system", system.name},
               {"title", system.title},
               {"chips", system.chips()},
               {"facts", facts_json(system.facts)}};
  for (const Pool& pool : system.pools) {
    for (Json& fact : facts_json(pool.chip)) {
      json["facts"].push_back(std::move(fact));
    }
  }
  return json;
}

}  // namespace memwall
