#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "memwall/core/unit_text.h"
#include "memwall/report/footnotes.h"
#include "memwall/report/race_report.h"
#include "memwall/report/share_bar.h"
#include "memwall/report/text_table.h"

namespace memwall {
namespace {

using Ranking = std::vector<const RaceResult*>;

constexpr int kBarWidth = 32;

// An answer that rests on estimates is marked.
std::string marked(const RaceResult& result) {
  return result.system + (result.estimates.empty() ? "" : " ~");
}

// "± 6.8 %", "?" where nothing was measured nearby.
std::string error_cell(const std::optional<ErrorBar>& error) {
  return !error ? "" : error->half_width ? to_text(*error) : "?";
}

bool has_errors(const Ranking& ranking) {
  return std::any_of(ranking.begin(), ranking.end(),
                     [](const RaceResult* result) { return result->tpot_error; });
}

std::string rates(const Ranking& ranking) {
  TextTable table({{"system"},
                   {"chips", true},
                   {"plan"},
                   {"users", true},
                   {"TTFT", true},
                   {"", true},
                   {"TPOT", true},
                   {"", true},
                   {"tok/s: user", true},
                   {"chip", true},
                   {"system", true},
                   {"J/token", true}});
  for (const RaceResult* result : ranking) {
    table.add_row({marked(*result), std::to_string(result->chips), to_text(result->plan),
                   count_text(result->users), to_text(result->ttft), error_cell(result->ttft_error),
                   to_text(result->tpot), error_cell(result->tpot_error),
                   count_text(result->tokens_per_s_per_user), count_text(result->tokens_per_s_per_chip),
                   count_text(result->tokens_per_s), count_text(result->j_per_token)});
  }
  return table.text() + (has_errors(ranking)
                             ? "(±: the error of 8 in 10 measurements near to this point; ?: there is none)\n"
                             : "");
}

std::string shares(const Ranking& ranking, Ink ink) {
  TextTable table({{"time"}, {"phase"}, {""}, {"at", true}, {"bound by"}});
  for (const RaceResult* result : ranking) {
    const auto add = [&](const std::string& system, const std::string& phase_name, const Phase& phase) {
      table.add_row({system, phase_name, share_bar(phase.shares, kBarWidth, ink),
                     percent_text(phase.bound_fraction()), share_text(phase.shares)});
    };
    add(result->system, "prefill", result->prefill);
    add("", "decode", result->decode);
  }
  return table.text() + share_legend(ink) +
         "\n(at: the bound clock's time over this time; 100 % is the chip's own bound)\n";
}

// Joules of a token by the same shares, and the clock where the power limit lowers it.
std::string energy(const Ranking& ranking, Ink ink) {
  TextTable table({{"energy"}, {"J/token", true}, {""}, {"spent on"}, {"clock"}});
  for (const RaceResult* result : ranking) {
    std::string clock;
    for (const auto& [name, phase] :
         {std::pair{"prefill", &result->prefill}, std::pair{"decode", &result->decode}}) {
      const std::string text = clock_text(phase->clock, phase->clock_share);
      clock += text.empty() ? "" : (clock.empty() ? "" : ", ") + std::string(name) + " " + text;
    }
    table.add_row({result->system, count_text(result->j_per_token),
                   share_bar(result->j_per_token_shares, kBarWidth, ink),
                   share_text(result->j_per_token_shares), clock});
  }
  return table.text() + "(static power counts as overhead)\n";
}

std::string memory(const Ranking& ranking) {
  TextTable table({{"memory"},
                   {"level"},
                   {"used", true},
                   {"of", true},
                   {"full", true},
                   {"weights", true},
                   {"KV", true},
                   {"activations", true}});
  for (const RaceResult* result : ranking) {
    std::string system = result->system;
    for (const MemoryUse& level : result->memory) {
      table.add_row({system, level.level, to_text(level.used()), to_text(level.capacity),
                     percent_text(level.used() / level.capacity), to_text(level.weights), to_text(level.kv),
                     to_text(level.activations)});
      system.clear();
    }
  }
  return table.text() + "(of the fullest chip)\n";
}

std::string refusals(const Ranking& refused, Ink ink) {
  std::string text;
  for (const RaceResult* result : refused) {
    text +=
        fmt::format("  {}: {}; {}\n", result->system, painted(result->refusal, Tone::warning, ink),
                    result->smallest_chips > 0 ? fmt::format("{} such chips would do", result->smallest_chips)
                                               : std::string("no number of such chips would do"));
  }
  return text.empty() ? "" : "does not fit\n" + text;
}

std::string estimates(const Ranking& ranking, Ink ink) {
  constexpr std::size_t kMost = 2;
  std::vector<EstimateNotes> systems;
  for (const RaceResult* result : ranking) {
    EstimateNotes& notes = systems.emplace_back(EstimateNotes{result->system, {}});
    for (const Sensitivity& each : result->estimates) {
      notes.notes.push_back({each.card + ": " + each.fact, each.value, each.estimate, each.has_range,
                             to_text(each.tpot_low), to_text(each.tpot_high), each.tpot_swing});
    }
  }
  return estimate_table("TPOT", systems, kMost, false, ink);
}

}  // namespace

std::string race_table(const RaceQuery& query, const std::vector<RaceResult>& results, Ink ink) {
  std::vector<std::string> models;  // in order of first appearance
  for (const RaceResult& result : results) {
    if (std::find(models.begin(), models.end(), result.model) == models.end()) {
      models.push_back(result.model);
    }
  }
  std::string text;
  for (const std::string& model : models) {
    Ranking ranking, refused;
    for (const RaceResult& result : results) {
      if (result.model == model) {
        (result.fits ? ranking : refused).push_back(&result);
      }
    }
    std::stable_sort(ranking.begin(), ranking.end(), [](const RaceResult* a, const RaceResult* b) {
      return a->tokens_per_s_per_user > b->tokens_per_s_per_user;
    });
    text += (text.empty() ? "" : "\n") +
            painted(fmt::format("{}: prompt {}, output {}, batch {}", model, query.prompt, query.output,
                                query.batch),
                    Tone::strong, ink) +
            "\n\n";
    if (!ranking.empty()) {
      text +=
          rates(ranking) + "\n" + shares(ranking, ink) + "\n" + energy(ranking, ink) + "\n" + memory(ranking);
    }
    for (const std::string& part : {refusals(refused, ink), estimates(ranking, ink)}) {
      text += part.empty() ? "" : "\n" + part;
    }
  }
  return text;
}

}  // namespace memwall
