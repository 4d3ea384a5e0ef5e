#include "memwall/report/footnotes.h"

#include <algorithm>

#include <fmt/format.h>

#include "memwall/report/text_table.h"

namespace memwall {
namespace {

constexpr double kWorthALine = 0.01;

// "12 more, none above 7.0 %; 1 without a range".
std::string others(const std::vector<EstimateNote>& notes, std::size_t shown) {
  const auto rest = notes.begin() + static_cast<std::ptrdiff_t>(shown);
  const auto unranged =
      std::count_if(rest, notes.end(), [](const EstimateNote& note) { return !note.has_range; });
  return fmt::format("{}{}, none above {}{}", notes.size() - shown, shown > 0 ? " more" : "",
                     percent_text(rest->swing),
                     unranged > 0 ? fmt::format("; {} without a range", unranged) : "");
}

}  // namespace

std::string estimate_table(const std::string& answer, const std::vector<EstimateNotes>& systems,
                           std::size_t most, bool with_reasons, Ink ink) {
  TextTable table({{"~"},
                   {"estimated fact"},
                   {"value"},
                   {answer + " over its range"},
                   {"moves by", true},
                   {with_reasons ? "reasoning" : ""}});
  bool any = false;
  for (const auto& [system, notes] : systems) {
    any = any || !notes.empty();
    std::string who = system;
    std::size_t shown = 0;
    while (shown < std::min(most, notes.size()) && notes[shown].swing >= kWorthALine) {
      const EstimateNote& note = notes[shown++];
      table.add_row({who, note.fact, note.value, note.low + " to " + note.high, percent_text(note.swing),
                     with_reasons ? painted(note.estimate, Tone::faint, ink) : ""});
      who.clear();
    }
    if (shown < notes.size()) {
      table.add_row({who, others(notes, shown)});
    }
  }
  return any ? table.text() + "(~ rests on estimates; --json lists all with their reasoning)\n" : "";
}

}  // namespace memwall
