# Compiles the files of web/ and Chart.js into the library: memwall/report/web_assets.h declares them.
find_file(MEMWALL_CHART_LIBRARY chart.min.js PATHS /usr/share/javascript/chart.js NO_DEFAULT_PATH)
if(NOT MEMWALL_CHART_LIBRARY)
  message(FATAL_ERROR "Chart.js is missing: install Debian's package libjs-chart.js (tools/setup.sh does)")
endif()

set(web_assets ${CMAKE_BINARY_DIR}/web_assets.cpp)
set(web_asset_definitions "")
foreach(asset page_css:${CMAKE_SOURCE_DIR}/web/page.css page_js:${CMAKE_SOURCE_DIR}/web/page.js
        chart_library:${MEMWALL_CHART_LIBRARY})
  string(REGEX MATCH "^([a-z_]+):(.*)$" parts "${asset}")
  set(identifier ${CMAKE_MATCH_1})
  set(file ${CMAKE_MATCH_2})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} text)
  string(APPEND web_asset_definitions
         "const std::string_view ${identifier} = R\"web_asset(${text})web_asset\";\n")
endforeach()
file(CONFIGURE OUTPUT ${web_assets} @ONLY CONTENT
"#include \"memwall/report/web_assets.h\"
namespace memwall::web {
@web_asset_definitions@}  // namespace memwall::web
")
target_sources(memwall PRIVATE ${web_assets})
set_source_files_properties(${web_assets} PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
