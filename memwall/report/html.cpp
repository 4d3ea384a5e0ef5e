#include "memwall/report/html.h"

#include <nlohmann/json.hpp>

#include "memwall/report/web_assets.h"

namespace memwall {

std::string escape_html(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char character : text) {
    switch (character) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += character;
    }
  }
  return escaped;
}

std::string escape_script(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (std::size_t index = 0; index < text.size(); ++index) {
    escaped += text[index];
    if (text[index] == '<' && index + 1 < text.size() && text[index + 1] == '/') {
      escaped += '\\';
    }
  }
  return escaped;
}

std::string element(std::string_view tag, std::string_view classes, std::string_view content) {
  std::string html = "<" + std::string(tag);
  if (!classes.empty()) {
    html += " class=\"" + escape_html(classes) + "\"";
  }
  return html + ">" + std::string(content) + "</" + std::string(tag) + ">";
}

std::string html_page(const HtmlPage& page) {
  return "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width\">\n" +
         element("title", "", escape_html(page.tab)) + "\n" + element("style", "", web::page_css) +
         "\n</head>\n<body>\n" +
         element("header", "",
                 element("h1", "", escape_html(page.title)) + element("p", "", escape_html(page.subtitle)) +
                     element("code", "", escape_html(page.command))) +
         "\n" + page.body + element("footer", "", page.footer) + "\n" +
         element("script", "", web::chart_library) + "\n" + element("script", "", web::page_js) +
         "\n</body>\n</html>\n";
}

std::string chart_figure(std::string_view caption, const nlohmann::ordered_json& spec) {
  return element("figure", "",
                 element("figcaption", "", escape_html(caption)) +
                     "<div class=\"canvas\"><canvas></canvas></div>"
                     "<script type=\"application/json\" class=\"chart\">" +
                     escape_script(spec.dump()) + "</script>");
}

}  // namespace memwall
