#include "memwall/report/footnotes.h"

#include <algorithm>

#include <fmt/format.h>

#include "memwall/report/text_table.h"

namespace memwall {

std::string estimate_lines(const std::string& who, const std::string& answer,
                           const std::vector<EstimateNote>& notes, std::size_t most, Ink ink) {
  constexpr double kWorthALine = 0.01;
  std::string text;
  std::size_t shown = 0;
  while (shown < std::min(most, notes.size()) && notes[shown].swing >= kWorthALine) {
    const EstimateNote& note = notes[shown];
    text += fmt::format("  {}: {} = {}: {} {} to {} over its range ({}){}\n", who, note.fact, note.value,
                        answer, note.low, note.high, percent_text(note.swing),
                        painted("; " + note.estimate, Tone::faint, ink));
    ++shown;
  }
  if (shown == notes.size()) {
    return text;
  }
  const auto unranged = std::count_if(notes.begin() + static_cast<std::ptrdiff_t>(shown), notes.end(),
                                      [](const EstimateNote& note) { return !note.has_range; });
  const std::size_t rest = notes.size() - shown;
  text +=
      fmt::format("  {}: {}{} estimate{}, none moving {} by more than {}", who, rest,
                  shown > 0 ? " more" : "", rest == 1 ? "" : "s", answer, percent_text(notes[shown].swing));
  text += unranged > 0 ? fmt::format("; {} without a stated range\n", unranged) : "\n";
  return text;
}

}  // namespace memwall
