#include "memwall/report/list_report.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "memwall/core/unit_text.h"
#include "memwall/report/text_table.h"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

std::int64_t estimate_count(const Chip& chip) {
  return std::count_if(chip.facts.begin(), chip.facts.end(),
                       [](const auto& entry) { return entry.second.is_estimate(); });
}

// Whole bytes without a fraction; a format with scales may have one.
Json bytes_json(Bytes bytes) {
  return bytes.value == std::floor(bytes.value) ? Json(static_cast<std::int64_t>(bytes.value))
                                                : Json(bytes.value);
}

std::string pools_text(const System& system) {
  std::string text;
  for (const Pool& pool : system.pools) {
    text += (text.empty() ? "" : " + ") + std::to_string(pool.count) + "x" + pool.chip.name;
  }
  return text;
}

}  // namespace

std::string models_table(const std::vector<Model>& models) {
  TextTable table({{"model"},
                   {"architecture"},
                   {"layers", true},
                   {"parameters", true},
                   {"active", true},
                   {"weights", true},
                   {"KV B/token", true},
                   {"context", true}});
  for (const Model& model : models) {
    const ParameterCount count = parameters(model);
    table.add_row({model.name, model.architecture, std::to_string(model.num_hidden_layers),
                   count_text(static_cast<double>(count.total)),
                   count_text(static_cast<double>(count.active)), to_text(weight_bytes(model)),
                   count_text(kv_bytes_per_token(model).value),
                   model.max_positions > 0 ? count_text(static_cast<double>(model.max_positions)) : "any"});
  }
  return table.text();
}

std::string chips_table(const std::vector<Chip>& chips) {
  TextTable table({{"chip"}, {"family"}, {"facts", true}, {"estimates", true}, {"title"}});
  for (const Chip& chip : chips) {
    table.add_row({chip.name, chip.family, std::to_string(chip.facts.size()),
                   std::to_string(estimate_count(chip)), chip.title});
  }
  return table.text();
}

std::string systems_table(const std::vector<System>& systems) {
  TextTable table({{"system"}, {"chips", true}, {"pools"}, {"family"}, {"title"}});
  for (const System& system : systems) {
    table.add_row({system.name, std::to_string(system.chips()), pools_text(system), system.chip().family,
                   system.title});
  }
  return table.text();
}

std::string families_table(const std::vector<FamilyEntry>& families) {
  TextTable table({{"family"}, {"what it is"}});
  for (const FamilyEntry& family : families) {
    table.add_row({family.name, family.summary});
  }
  return table.text();
}

Json models_json(const std::vector<Model>& models) {
  Json json = Json::array();
  for (const Model& model : models) {
    const ParameterCount count = parameters(model);
    json.push_back({{"name", model.name},
                    {"architecture", model.architecture},
                    {"layers", model.num_hidden_layers},
                    {"hidden_size", model.hidden_size},
                    {"vocab_size", model.vocab_size},
                    {"max_positions", model.max_positions > 0 ? Json(model.max_positions) : Json(nullptr)},
                    {"parameters", count.total},
                    {"active_parameters", count.active},
                    {"weights_bytes", bytes_json(weight_bytes(model))},
                    {"kv_bytes_per_token", bytes_json(kv_bytes_per_token(model))}});
  }
  return json;
}

Json chips_json(const std::vector<Chip>& chips) {
  Json json = Json::array();
  for (const Chip& chip : chips) {
    json.push_back({{"name", chip.name},
                    {"family", chip.family},
                    {"title", chip.title},
                    {"facts", chip.facts.size()},
                    {"estimates", estimate_count(chip)}});
  }
  return json;
}

Json systems_json(const std::vector<System>& systems) {
  Json json = Json::array();
  for (const System& system : systems) {
    json.push_back({{"name", system.name},
                    {"title", system.title},
                    {"family", system.chip().family},
                    {"chips", system.chips()},
                    {"pools", pools_text(system)}});
  }
  return json;
}

Json families_json(const std::vector<FamilyEntry>& families) {
  Json json = Json::array();
  for (const FamilyEntry& family : families) {
    json.push_back({{"name", family.name}, {"summary", family.summary}});
  }
  return json;
}

}  // namespace memwall
