// html.h - small helpers for writing HTML: text is escaped here and nowhere else.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace memwall {

// & < > " ' as entities: safe as element content and inside a quoted attribute.
std::string escape_html(std::string_view text);

// JSON (or any script text) made safe inside a <script> element: "</" becomes "<\/".
std::string escape_script(std::string_view text);

// <tag class="classes">content</tag>; content is HTML already, classes may be empty.
std::string element(std::string_view tag, std::string_view classes, std::string_view content);

// A whole file that needs no network: styles, the chart library and the code that draws every chart inside.
struct HtmlPage {
  std::string tab;       // the browser's title
  std::string title;     // heading
  std::string subtitle;  // below it
  std::string command;   // what to type to get this page again
  std::string body;      // HTML
  std::string footer;    // HTML
};
std::string html_page(const HtmlPage& page);
// A figure that the page's code draws from a Chart.js specification.
std::string chart_figure(std::string_view caption, const nlohmann::ordered_json& spec);

}  // namespace memwall
