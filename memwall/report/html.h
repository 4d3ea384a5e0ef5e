// html.h - small helpers for writing HTML: text is escaped here and nowhere else.
#pragma once

#include <string>
#include <string_view>

namespace memwall {

// & < > " ' as entities: safe as element content and inside a quoted attribute.
std::string escape_html(std::string_view text);

// JSON (or any script text) made safe inside a <script> element: "</" becomes "<\/".
std::string escape_script(std::string_view text);

// <tag class="classes">content</tag>; content is HTML already, classes may be empty.
std::string element(std::string_view tag, std::string_view classes, std::string_view content);

}  // namespace memwall
