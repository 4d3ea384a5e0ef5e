// charts.h - the page's charts as Chart.js specifications: plain JSON, so they are tested without a browser.
//
// Each system keeps one colour and shape of point through all charts of a page, by its place in the list of
// results.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "memwall/serving/race.h"

namespace memwall {

// "#rrggbb"; repeats after the last of the palette.
std::string series_colour(std::size_t index);
// How often colours have been used up before this one, 0 to 2: points are circles, squares and triangles.
std::size_t series_round(std::size_t index);

// Two logarithmic axes and the datasets as they are.
nlohmann::ordered_json scatter_chart(const std::string& x_title, const std::string& y_title,
                                     nlohmann::ordered_json datasets);

// Tokens/s per chip over tokens/s per user, both logarithmic; one line per system that fits, a point per
// batch.
nlohmann::ordered_json pareto_chart(const std::vector<RaceResult>& results);

// op/s over op/byte, both logarithmic: each system's roof, and a point for prefill and for decode. A system
// that fetches no weights has a flat roof. Phases that move no bytes have no place on the chart.
nlohmann::ordered_json roofline_chart(const std::vector<RaceResult>& results);

}  // namespace memwall
