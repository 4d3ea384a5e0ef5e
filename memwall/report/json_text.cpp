#include "memwall/report/json_text.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

void refuse_non_finite(const Json& json, const std::string& key) {
  if (json.is_number_float() && !std::isfinite(json.get<double>())) {
    throw std::logic_error("[report] '" + key + "' is not a finite number");
  }
  if (json.is_structured()) {
    for (const auto& item : json.items()) {
      refuse_non_finite(item.value(), key.empty() ? item.key() : key + "." + item.key());
    }
  }
}

std::string plain_text(const Json& value) {
  return value.is_null() ? "" : value.is_string() ? value.get<std::string>() : value.dump();
}

using Cells = std::vector<std::pair<std::string, std::string>>;

void flatten(const Json& value, const std::string& key, Cells& cells) {
  if (value.is_object()) {
    for (const auto& item : value.items()) {
      flatten(item.value(), key.empty() ? item.key() : key + "." + item.key(), cells);
    }
    return;
  }
  if (!value.is_array()) {
    cells.emplace_back(key, plain_text(value));
    return;
  }
  if (std::all_of(value.begin(), value.end(), [](const Json& item) { return item.is_primitive(); })) {
    std::string joined;
    for (const Json& item : value) {
      joined += (joined.empty() ? "" : ";") + plain_text(item);
    }
    cells.emplace_back(key, joined);
  }
}

std::string field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) {
    return text;
  }
  std::string safe = "\"";
  for (const char c : text) {
    safe += c == '"' ? "\"\"" : std::string(1, c);
  }
  return safe + "\"";
}

}  // namespace

std::string json_text(const Json& json) {
  refuse_non_finite(json, "");
  return json.dump(2) + "\n";
}

std::string csv_text(const std::vector<Json>& rows) {
  std::vector<std::string> columns;
  std::vector<Cells> lines;
  for (const Json& row : rows) {
    refuse_non_finite(row, "");
    flatten(row, "", lines.emplace_back());
    for (const auto& [key, value] : lines.back()) {
      if (std::find(columns.begin(), columns.end(), key) == columns.end()) {
        columns.push_back(key);
      }
    }
  }
  std::string text;
  const auto add_line = [&](auto&& cell_of) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      text += (i > 0 ? "," : "") + field(cell_of(columns[i]));
    }
    text += "\n";
  };
  add_line([](const std::string& column) { return column; });
  for (const Cells& cells : lines) {
    add_line([&](const std::string& column) {
      const auto found =
          std::find_if(cells.begin(), cells.end(), [&](const auto& each) { return each.first == column; });
      return found == cells.end() ? std::string() : found->second;
    });
  }
  return text;
}

Json error_json(const std::optional<ErrorBar>& error) {
  if (!error) {
    return nullptr;
  }
  const bool is_known = error->half_width.has_value();
  return {{"half_width", is_known ? Json(*error->half_width) : Json(nullptr)},
          {"low", is_known ? Json(error->low) : Json(nullptr)},
          {"high", is_known ? Json(error->high) : Json(nullptr)},
          {"measurements", error->n},
          {"basis", is_known ? Json(error->basis) : Json(nullptr)},
          {"outside", is_known ? Json(nullptr) : Json(error->outside)}};
}

Json shares_json(const Shares& shares) {
  Json json = Json::object();
  for (std::size_t i = 0; i < shares.size(); ++i) {
    json[std::string(name(static_cast<Category>(i)))] = shares[i];
  }
  return json;
}

Json clock_json(Hertz clock, double share) {
  if (!(clock.value > 0)) {
    return nullptr;
  }
  return {{"full_hz", clock.value}, {"held_hz", share * clock.value}, {"is_power_limited", share < 1}};
}

Json memory_json(const std::vector<MemoryUse>& memory) {
  Json json = Json::array();
  for (const MemoryUse& level : memory) {
    json.push_back({{"level", level.level},
                    {"capacity_bytes", level.capacity.value},
                    {"used_bytes", level.used().value},
                    {"weights_bytes", level.weights.value},
                    {"kv_bytes", level.kv.value},
                    {"activations_bytes", level.activations.value}});
  }
  return json;
}

Json estimates_json(const std::vector<EstimateEffect>& estimates) {
  Json json = Json::array();
  for (const EstimateEffect& effect : estimates) {
    Json entry = {{"card", effect.card},
                  {"fact", effect.fact},
                  {"value", effect.value},
                  {"estimate", effect.estimate},
                  {"has_range", effect.has_range}};
    if (effect.has_range) {
      entry["time_low_s"] = effect.low[0];
      entry["time_high_s"] = effect.high[0];
      entry["energy_low_j"] = effect.low[1];
      entry["energy_high_j"] = effect.high[1];
      entry["swing"] = effect.swing;
    }
    json.push_back(std::move(entry));
  }
  return json;
}

}  // namespace memwall
