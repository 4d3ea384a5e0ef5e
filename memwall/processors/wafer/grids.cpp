#include "memwall/processors/wafer/grids.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include <fmt/format.h>

#include "memwall/core/error.h"

namespace memwall {
namespace {

constexpr int kMostAspect = 4;
constexpr int kMostCuts = 12;  // per side: 144 regions, more than a model has layers per wafer

[[noreturn]] void refuse(const std::string& found) {
  throw ConfigError("plan", quoted("mode=" + found),
                    "'ktree' or 'chain', d and p with a side or ROWSxCOLUMNS, such as ktree-d420x420-p600");
}

// All of `text` as a number; 0 when it is none.
int side_of(std::string_view text) {
  int value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && rest == text.data() + text.size() ? value : 0;
}

Grid grid_of(const std::string& word, const std::string& whole, const WaferCard& card) {
  const std::string_view sides = std::string_view(word).substr(1);
  const std::size_t cross = sides.find('x');
  Grid grid;
  grid.rows = side_of(sides.substr(0, cross));
  grid.columns = cross == std::string_view::npos ? grid.rows : side_of(sides.substr(cross + 1));
  if (grid.rows < 1 || grid.columns < 1) {
    refuse(whole);
  }
  if (grid.rows < 2 || grid.columns < 2 || grid.rows > card.rows || grid.columns > card.columns) {
    throw ConfigError("plan", fmt::format("a grid of {} x {}", grid.rows, grid.columns),
                      fmt::format("2 x 2 to the wafer's {} x {} cores", card.rows, card.columns));
  }
  return grid;
}

}  // namespace

WaferMode parse_wafer_mode(const std::string& text, const WaferCard& card) {
  WaferMode mode;
  std::istringstream words(text);
  int stage = 0;  // of the order: collective, decode, prefill
  for (std::string word; std::getline(words, word, '-');) {
    if ((word == "ktree" || word == "chain") && stage < 1) {
      mode.collective = word == "chain" ? Collective::chain : Collective::ktree;
      stage = 1;
    } else if (word.starts_with('d') && stage < 2) {
      mode.decode = grid_of(word, text, card);
      stage = 2;
    } else if (word.starts_with('p') && stage < 3) {
      mode.prefill = grid_of(word, text, card);
      if (mode.prefill->rows != mode.prefill->columns) {
        throw ConfigError("plan", memwall::quoted(word), "a square prefill grid, such as p600");
      }
      stage = 3;
    } else {
      refuse(text);
    }
  }
  return mode;
}

std::string to_text(const WaferMode& mode) {
  std::string text = mode.collective == Collective::chain ? "chain" : "ktree";
  if (mode.decode) {
    text += fmt::format("-d{}x{}", mode.decode->rows, mode.decode->columns);
  }
  if (mode.prefill) {
    text += fmt::format("-p{}", mode.prefill->rows);
  }
  return text;
}

int regions_per_wafer(const WaferCard& card, Grid grid) {
  return (card.rows / grid.rows) * (card.columns / grid.columns);
}

std::vector<Grid> decode_grids(const WaferCard& card) {
  std::vector<Grid> grids;
  for (int down = 1; down <= kMostCuts; ++down) {
    for (int across = 1; across <= kMostCuts; ++across) {
      const Grid grid{card.rows / down, card.columns / across};
      // Long thin regions pay for their long side and gain nothing on the short one.
      if (std::min(grid.rows, grid.columns) < 2 || grid.rows > kMostAspect * grid.columns ||
          grid.columns > kMostAspect * grid.rows) {
        continue;
      }
      grids.push_back(grid);
    }
  }
  std::stable_sort(grids.begin(), grids.end(), [](Grid a, Grid b) { return a.cores() > b.cores(); });
  return grids;
}

std::vector<Grid> prefill_grids(const WaferCard& card) {
  std::vector<Grid> grids;
  for (int cuts = 1; cuts <= kMostCuts; ++cuts) {
    for (const int side :
         {std::min(card.rows / cuts, card.columns), std::min(card.rows, card.columns / cuts)}) {
      const Grid grid{side, side};
      if (side >= 2 && std::find(grids.begin(), grids.end(), grid) == grids.end()) {
        grids.push_back(grid);
      }
    }
  }
  std::stable_sort(grids.begin(), grids.end(), [](Grid a, Grid b) { return a.cores() > b.cores(); });
  return grids;
}

}  // namespace memwall
