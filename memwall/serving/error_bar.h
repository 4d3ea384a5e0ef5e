// error_bar.h - how far an answer may be off, as it is carried with the answer. What fills it in knows the
// measurements (validation/error_bars.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace memwall {

struct ErrorBar {
  // 80 % of the measurements nearest to the answer were within this fraction of the prediction; none: no
  // measurement near this point.
  std::optional<double> half_width;
  double low = 0, high = 0;  // of the same: 10 % and 90 % quantiles of measured / predicted - 1
  std::int64_t n = 0;        // measurements behind it
  std::string basis;         // "gemm decode bf16 on h100", "58 % gemm decode bf16 on h100, ..."
  std::string outside;       // why there is none: "m = 200000, measured up to 65536"
};
std::string to_text(const ErrorBar& bar);  // "± 6.1 %", "no measurement near this point"

}  // namespace memwall
