#include "memwall/serving/error_bar.h"

#include <fmt/format.h>

namespace memwall {

std::string to_text(const ErrorBar& bar) {
  return bar.half_width ? fmt::format("± {:.{}f} %", 100 * *bar.half_width, *bar.half_width < 0.0995 ? 1 : 0)
                        : "no measurement near this point";
}

}  // namespace memwall
