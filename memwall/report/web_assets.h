// web_assets.h - the files of web/ and the chart library, compiled in so that a page needs nothing else.
//
// The build writes web_assets.cpp from the files (CMakeLists.txt); Chart.js 3 comes from Debian's
// libjs-chart.js (MIT licence).
#pragma once

#include <string_view>

namespace memwall::web {

extern const std::string_view page_css;
extern const std::string_view page_js;
extern const std::string_view chart_library;

}  // namespace memwall::web
