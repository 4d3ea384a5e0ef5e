#include "memwall/report/html.h"

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

}  // namespace memwall
