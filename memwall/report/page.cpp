#include "memwall/report/page.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "memwall/core/unit_text.h"
#include "memwall/report/charts.h"
#include "memwall/report/html.h"

namespace memwall {
namespace {

constexpr std::array kCategories = {Category::weights, Category::kv, Category::arithmetic,
                                    Category::communication, Category::overhead};

constexpr std::string_view kNoMeasurement = "?";

std::string percent(double fraction) { return fmt::format("{:.1f} %", 100 * fraction); }

// Three digits, thousands grouped with a thin space: 12 300.
std::string rate_text(double rate) {
  if (rate < 1000) {
    return fmt::format("{:.{}f}", rate, rate < 1 ? 3 : rate < 10 ? 2 : rate < 100 ? 1 : 0);
  }
  std::string digits = fmt::format("{:.0f}", rate);
  for (std::size_t place = digits.size(); place > 3; place -= 3) {
    digits.insert(place - 3, "\u2009");
  }
  return digits;
}

std::string segment(std::string_view kind, double fraction, std::string_view title) {
  return fmt::format("<i class=\"{}\" style=\"width:{:.2f}%\" title=\"{}\"></i>", kind, 100 * fraction,
                     escape_html(title));
}

std::string share_bar(const std::array<double, kCategoryCount>& shares, std::string_view of) {
  std::string segments;
  for (const Category category : kCategories) {
    const double share = shares[static_cast<std::size_t>(category)];
    segments += segment(name(category), share, fmt::format("{}: {} {}", of, name(category), percent(share)));
  }
  return element("div", "bar", segments);
}

// "clock 1.41 GHz of 1.83 GHz: power limit" below a phase that the limit slows.
std::string clock_note(const Phase& phase) {
  const std::string text = clock_text(phase.clock, phase.clock_share);
  return text.empty() ? "" : element("small", "wrap", escape_html(text));
}

std::string memory_bars(const std::vector<MemoryUse>& memory) {
  std::string bars;
  for (const MemoryUse& level : memory) {
    const auto part = [&](std::string_view kind, Bytes bytes) {
      return segment(kind, bytes / level.capacity, fmt::format("{} {}", kind, to_text(bytes)));
    };
    bars += element(
        "div", "bar memory",
        part("weights", level.weights) + part("kv", level.kv) + part("activations", level.activations));
    bars += element(
        "small", "",
        escape_html(fmt::format("{} {} of {}", level.level, to_text(level.used()), to_text(level.capacity))));
  }
  return bars;
}

// "weights, x1.38": what the phase waits for most, and its time over the chip's own bound.
std::string limit_text(const Phase& phase) {
  return escape_html(phase.bound_by) +
         element("small", "", fmt::format("x{:.2f} of its bound", phase.time / phase.bound));
}

std::string system_cell(const RaceResult& result, std::size_t index) {
  const std::string dot = fmt::format("<span class=\"dot round{}\" style=\"background:{}\"></span>",
                                      series_round(index), series_colour(index));
  const std::string plan = to_text(result.plan) + (result.plan_was_chosen ? ", chosen" : "");
  return "<td class=\"name\"><b>" + dot + escape_html(result.system) +
         (result.estimates.empty() ? "" : element("span", "mark", " ~")) + "</b>" +
         element("small", "", escape_html(result.title)) + element("small", "", escape_html(plan)) + "</td>";
}

// A time, and "± 6.8 %" below it or "?".
std::string time_text(Seconds time, const std::optional<ErrorBar>& error) {
  const auto note = [](const ErrorBar& bar) {
    return bar.half_width ? to_text(bar) : std::string(kNoMeasurement);
  };
  return to_text(time) + (error ? element("small", "", escape_html(note(*error))) : "");
}

std::string result_row(const RaceResult& result, std::size_t index) {
  std::string cells = system_cell(result, index);
  for (const std::string& cell :
       {time_text(result.ttft, result.ttft_error), time_text(result.tpot, result.tpot_error),
        rate_text(result.tokens_per_s_per_user), rate_text(result.tokens_per_s_per_chip),
        rate_text(result.tokens_per_s),
        rate_text(result.j_per_token) + share_bar(result.j_per_token_shares, "joules"),
        limit_text(result.prefill) + clock_note(result.prefill),
        limit_text(result.decode) + clock_note(result.decode),
        share_bar(result.prefill.shares, "prefill") + share_bar(result.decode.shares, "decode"),
        memory_bars(result.memory)}) {
    cells += element("td", "", cell);
  }
  return element("tr", "", cells);
}

std::string results_table(const std::vector<RaceResult>& results) {
  std::string rows;
  for (std::size_t index = 0; index < results.size(); ++index) {
    rows += results[index].fits ? result_row(results[index], index) + "\n" : "";
  }
  if (rows.empty()) {
    return "";
  }
  constexpr std::string_view kHead =
      "<thead><tr><th class=\"name\">system</th><th>TTFT</th><th>TPOT</th><th>tokens/s<br>per user</th>"
      "<th>tokens/s<br>per chip</th><th>tokens/s</th><th>J/token</th><th>prefill<br>bound by</th>"
      "<th>decode<br>bound by</th><th>share of time<br>prefill, decode</th><th>memory of the<br>fullest "
      "chip</th></tr></thead>\n";
  return element("div", "scroll", element("table", "", std::string(kHead) + element("tbody", "", rows)));
}

std::string refusals_list(const std::vector<RaceResult>& results) {
  std::string items;
  for (const RaceResult& result : results) {
    if (result.fits) {
      continue;
    }
    std::string why = escape_html(result.refusal);
    if (result.smallest_chips > 0) {
      why += fmt::format("; {} chips would hold it", result.smallest_chips);
    }
    items += element("li", "", element("b", "", escape_html(result.system)) + " " + why);
  }
  return items.empty() ? "" : element("h3", "", "Does not fit") + element("ul", "refusals", items);
}

std::string legend() {
  std::string items;
  for (const Category category : kCategories) {
    items += fmt::format("<span style=\"--swatch:var(--{0})\">{0}</span>", name(category));
  }
  return element("div", "legend", items);
}

std::string estimates_list(const std::vector<RaceResult>& results) {
  std::string items;
  for (const RaceResult& result : results) {
    for (const Sensitivity& each : result.estimates) {
      const std::string moves = each.has_range ? fmt::format("TPOT {} to {} over its range",
                                                             to_text(each.tpot_low), to_text(each.tpot_high))
                                               : "no range stated";
      items += element("li", "",
                       element("b", "", escape_html(result.system)) +
                           escape_html(fmt::format(" {}: {}; {}", each.fact, each.estimate, moves)));
    }
  }
  if (items.empty()) {
    return "";
  }
  return "<details><summary><span class=\"mark\">~</span> marks systems whose cards hold estimates: how far "
         "each moves the answer</summary>" +
         element("ul", "", items) + "</details>";
}

std::string model_section(const std::string& model, const std::vector<RaceResult>& results) {
  return element("section", "",
                 element("h2", "", escape_html(model)) + results_table(results) + legend() +
                     refusals_list(results) +
                     element("div", "charts",
                             chart_figure("Throughput against interactivity: each point a batch size",
                                          pareto_chart(results)) +
                                 chart_figure("Roofline of the whole system: prefill and decode",
                                              roofline_chart(results))) +
                     estimates_list(results)) +
         "\n";
}

}  // namespace

std::string race_page(const PageHeading& heading, const std::vector<RaceResult>& results) {
  std::string sections;
  for (std::size_t first = 0; first < results.size();) {
    std::vector<RaceResult> of_model;
    const std::string& model = results[first].model;
    while (first < results.size() && results[first].model == model) {
      of_model.push_back(results[first++]);
    }
    // As the terminal's table: the fastest first, what does not fit at the end.
    std::stable_sort(of_model.begin(), of_model.end(), [](const RaceResult& a, const RaceResult& b) {
      return std::pair(!a.fits, -a.tokens_per_s_per_user) < std::pair(!b.fits, -b.tokens_per_s_per_user);
    });
    sections += model_section(model, of_model);
  }
  return html_page(
      {"memwall race: " + heading.title, heading.title, heading.subtitle, heading.command, sections,
       "TPOT is the time of one decode step at the mean context, prompt + output / 2. Rates are those "
       "of decode. J/token is the energy of prefill and decode over all output tokens. \u00b1: the error of "
       "8 in "
       "10 measurements near to this point; ?: there is none."});
}

}  // namespace memwall
