// rtl_options.h - the small instance of a mechanism that `memwall rtl` writes out.
#pragma once

#include <cstdint>

namespace memwall {

struct RtlOptions {
  std::int64_t rows = 8, columns = 8;
  std::int64_t operand_bits = 8, sum_bits = 32;  // two's complement
};

}  // namespace memwall
