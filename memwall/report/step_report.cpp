#include "memwall/report/step_report.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "memwall/core/unit_text.h"
#include "memwall/report/footnotes.h"
#include "memwall/report/json_text.h"
#include "memwall/report/share_bar.h"
#include "memwall/report/text_table.h"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kBarWidth = 60;

std::string slice_text(const Slice& slice) {
  if (slice.new_tokens == 1) {
    return fmt::format("decode {}@{}", slice.count, slice.past_tokens);
  }
  return slice.past_tokens == 0
             ? fmt::format("prefill {}@{}", slice.count, slice.new_tokens)
             : fmt::format("prefill {}@{}+{}", slice.count, slice.new_tokens, slice.past_tokens);
}

// Bytes of the memory that weights and KV come from; of everything when nothing is fetched.
Bytes memory_bytes(const Ledger& ledger, const Roofline& roofline) {
  return roofline.memory.empty() ? ledger.bytes : roofline.bytes;
}

// " ± 6.8 %" behind the time, and the line that says where it comes from.
std::string error_mark(const std::optional<ErrorBar>& error) {
  return error && error->half_width ? " " + to_text(*error) : "";
}
std::string error_line(const std::optional<ErrorBar>& error) {
  if (!error) {
    return "";
  }
  return error->half_width
             ? fmt::format("{}: the error of 8 in 10 measurements of {}\n", to_text(*error), error->basis)
             : fmt::format("{}: {}\n", to_text(*error), error->outside);
}

// "685 mJ at 998 W, 289 mJ of it static; clock 1.70 GHz of 1.86 GHz: power limit".
std::string power_text(const Ledger& ledger) {
  const std::string clock = clock_text(ledger.clock, ledger.clock_share);
  return to_text(ledger.energy()) +
         (ledger.time.value > 0 ? " at " + to_text(ledger.energy() / ledger.time) : "") +
         (ledger.static_energy.value > 0 ? fmt::format(", {} of it static", to_text(ledger.static_energy))
                                         : "") +
         (clock.empty() ? "" : "; " + clock);
}

// Where time went and where energy went.
std::string bars(const Ledger& ledger, Ink ink) {
  std::string text = "time    " + share_bar(ledger.shares, kBarWidth, ink);
  if (ledger.energy().value > 0) {
    text += "\nenergy  " + share_bar(ledger.energy_shares(), kBarWidth, ink);
  }
  return text;
}

// A time that rests on estimates is marked.
std::string totals(const Ledger& ledger, const Roofline& roofline, bool estimated,
                   const std::optional<ErrorBar>& error, Ink ink) {
  const std::string memory = roofline.memory.empty() ? "memories and links" : roofline.memory;
  return fmt::format("time {}{}{}, at {} of the bound {}, mostly {}\n{}{} in {}, {} of {}, {}\n\n{}\n{}\n",
                     to_text(ledger.time), error_mark(error), estimated ? " ~" : "",
                     percent_text(ledger.bound / ledger.time), to_text(ledger.bound), ledger.bound_by,
                     error_line(error), to_text(ledger.ops),
                     roofline.arithmetic.empty() ? "none" : roofline.arithmetic,
                     to_text(memory_bytes(ledger, roofline)), memory, power_text(ledger), bars(ledger, ink),
                     share_legend(ink));
}

std::string operators(const Ledger& ledger) {
  TextTable table({{"block"},
                   {"operator"},
                   {"tasks", true},
                   {"on path", true},
                   {"of time", true},
                   {"busy", true},
                   {"waiting", true},
                   {"bytes", true},
                   {"work", true},
                   {"energy", true}});
  for (const LedgerLine& line : ledger.lines) {
    table.add_row({line.block, line.label, count_text(static_cast<double>(line.tasks)), to_text(line.on_path),
                   percent_text(line.on_path / ledger.time), to_text(line.busy), to_text(line.waiting),
                   to_text(line.bytes), to_text(line.ops), to_text(line.energy)});
  }
  return table.text();
}

std::string resources(const Ledger& ledger) {
  TextTable table({{"resource"}, {"busy", true}, {"of time", true}, {"energy", true}});
  for (const ResourceLine& line : ledger.resources) {
    if (line.charged > 0) {
      table.add_row({line.resource, to_text(line.busy),
                     line.utilization > 0 ? percent_text(line.utilization) : "", to_text(line.energy)});
    }
  }
  return table.text();
}

// The same kernel before the power limit bites.
std::string brief_line(const KernelResult& result) {
  return result.ledger.clock_share < 1
             ? fmt::format("(repeated until the clock is steady; alone, at the full clock: {})\n\n",
                           to_text(result.brief_time))
             : "";
}

std::string estimates(const std::string& system, const std::vector<EstimateEffect>& effects, Ink ink) {
  constexpr std::size_t kMost = 5;
  std::vector<EstimateNote> notes;
  for (const EstimateEffect& effect : effects) {
    EstimateNote note{effect.card + ": " + effect.fact,
                      effect.value,
                      effect.estimate,
                      effect.has_range,
                      {},
                      {},
                      effect.swing};
    if (effect.has_range) {
      note.low = to_text(Seconds(effect.low[0]));
      note.high = to_text(Seconds(effect.high[0]));
    }
    notes.push_back(std::move(note));
  }
  const std::string table = estimate_table("time", {{system, std::move(notes)}}, kMost, true, ink);
  return table.empty() ? "" : "\n" + table;
}

void add_ledger(const Ledger& ledger, const Roofline& roofline, Json& json) {
  json["time_s"] = ledger.time.value;
  json["bound_s"] = ledger.bound.value;
  json["bound_fraction"] = double(ledger.bound / ledger.time);
  json["energy_j"] = ledger.energy().value;
  json["dynamic_energy_j"] = ledger.dynamic_energy.value;
  json["static_energy_j"] = ledger.static_energy.value;
  json["ops"] = ledger.ops.value;
  json["bytes"] = memory_bytes(ledger, roofline).value;
  json["moved_bytes"] = ledger.bytes.value;
  json["bound_by"] = ledger.bound_by;
  json["shares"] = shares_json(ledger.shares);
  json["energy_shares"] = shares_json(ledger.energy_shares());
  json["clock"] = clock_json(ledger.clock, ledger.clock_share);
}

}  // namespace

std::string step_table(const StepHeading& heading, const StepResult& result, Ink ink) {
  std::string slices;
  for (const Slice& slice : heading.step.slices) {
    slices += (slices.empty() ? "" : ", ") + slice_text(slice);
  }
  std::string text =
      painted(fmt::format("{} on {}: {}", heading.model, heading.system, slices), Tone::strong, ink) +
      "\n\n" + to_text(result.placement) + "\n";
  if (result.placement.fits) {
    text += totals(result.ledger, result.roofline, !result.estimates.empty(), result.error, ink) + "\n" +
            operators(result.ledger) + "\n" + resources(result.ledger) +
            estimates(heading.system, result.estimates, ink);
  }
  return text;
}

Json step_json(const StepHeading& heading, const StepResult& result) {
  const Placement& placement = result.placement;
  Json json = {{"model", heading.model},
               {"system", heading.system},
               {"slices", Json::array()},
               {"fits", placement.fits},
               {"refusal", placement.fits ? Json(nullptr) : Json(placement.refusal)},
               {"smallest_chips", placement.smallest_chips},
               {"plan", to_text(placement.plan)},
               {"plan_was_chosen", result.plan_was_chosen}};
  for (const Slice& slice : heading.step.slices) {
    json["slices"].push_back(
        {{"count", slice.count}, {"new_tokens", slice.new_tokens}, {"past_tokens", slice.past_tokens}});
  }
  if (placement.fits) {
    add_ledger(result.ledger, result.roofline, json);
    json["error"] = error_json(result.error);
  } else {
    for (const char* key : {"time_s", "bound_s", "energy_j", "ops", "bytes", "bound_by", "shares"}) {
      json[key] = nullptr;
    }
  }
  json["memory"] = memory_json(placement.memory);
  json["estimates"] = estimates_json(result.estimates);
  return json;
}

std::string kernel_table(const std::string& what, const std::string& system, const KernelResult& result,
                         Ink ink) {
  return painted(fmt::format("{} on {}", what, system), Tone::strong, ink) + "\n\n" +
         totals(result.ledger, result.roofline, !result.estimates.empty(), result.error, ink) + "\n" +
         brief_line(result) + resources(result.ledger) + estimates(system, result.estimates, ink);
}

Json kernel_json(const std::string& what, const std::string& system, const KernelResult& result) {
  Json json = {{"op", what}, {"system", system}};
  add_ledger(result.ledger, result.roofline, json);
  json["brief_time_s"] = result.brief_time.value;
  json["error"] = error_json(result.error);
  json["estimates"] = estimates_json(result.estimates);
  return json;
}

}  // namespace memwall
