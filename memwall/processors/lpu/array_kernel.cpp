#include "memwall/processors/lpu/array_kernel.h"

#include <algorithm>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "memwall/processors/lpu/array_kernel.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#ifndef MEMWALL_ARRAY_KERNEL_SUM_OF
#define MEMWALL_ARRAY_KERNEL_SUM_OF
namespace memwall::array_kernel {
// Pairwise, in one order for every version.
inline float sum_of(const double* partial) {
  double sums[kPartials];
  std::copy(partial, partial + kPartials, sums);
  for (int half = kPartials / 2; half >= 1; half /= 2) {
    for (int i = 0; i < half; ++i) {
      sums[i] += sums[i + half];
    }
  }
  return static_cast<float>(sums[0]);
}
}  // namespace memwall::array_kernel
#endif

HWY_BEFORE_NAMESPACE();
namespace memwall::array_kernel::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Products are added as 32-bit sums, which are exact in any order.
void columns_int8(const std::int8_t* x, const std::int8_t* vectors, int count, int lanes, std::int32_t* y) {
#if HWY_TARGET == HWY_SCALAR
  plain_columns_int8(x, vectors, count, lanes, y);
#else
  const hn::CappedTag<std::int16_t, kPartials> shorts;
  const hn::Rebind<std::int8_t, decltype(shorts)> bytes;
  const hn::RepartitionToWide<decltype(shorts)> sums;
  const auto step = static_cast<int>(hn::Lanes(shorts));
  for (int v = 0; v < count; ++v) {
    const std::int8_t* vector = vectors + static_cast<std::ptrdiff_t>(v) * lanes;
    auto even = hn::Zero(sums), odd = hn::Zero(sums);
    for (int k = 0; k < lanes; k += step) {
      const auto a = hn::PromoteTo(shorts, hn::LoadU(bytes, x + k));
      const auto b = hn::PromoteTo(shorts, hn::LoadU(bytes, vector + k));
      even = hn::ReorderWidenMulAccumulate(sums, a, b, even, odd);
    }
    y[v] = hn::GetLane(hn::SumOfLanes(sums, hn::Add(even, odd)));
  }
#endif
}

// Partial sums k mod 16 stand in 16 / N vectors of N doubles, whatever N is.
void columns_float(const float* x, const float* vectors, int count, int lanes, float* y) {
  const hn::CappedTag<double, kPartials> doubles;
  const hn::Rebind<float, decltype(doubles)> floats;
  const auto n = static_cast<int>(hn::Lanes(doubles));
  HWY_ALIGN double partial[kPartials];
  for (int v = 0; v < count; ++v) {
    const float* vector = vectors + static_cast<std::ptrdiff_t>(v) * lanes;
    // A register for each part of the partial sums: at least two doubles wide, so at most eight.
    const auto product = [&](int k) {
      return hn::PromoteTo(doubles, hn::Mul(hn::LoadU(floats, x + k), hn::LoadU(floats, vector + k)));
    };
    const auto run = [&](int offset) {
      auto a = hn::Zero(doubles), b = hn::Zero(doubles);
      for (int k = offset; k < lanes; k += kPartials) {
        a = hn::Add(a, product(k));
        if (n < kPartials) {
          b = hn::Add(b, product(k + n));
        }
      }
      hn::StoreU(a, doubles, partial + offset);
      if (n < kPartials) {
        hn::StoreU(b, doubles, partial + offset + n);
      }
    };
    for (int offset = 0; offset < kPartials; offset += 2 * n) {
      run(offset);
    }
    y[v] = sum_of(partial);
  }
}

}  // namespace memwall::array_kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace memwall::array_kernel {

HWY_EXPORT(columns_int8);
HWY_EXPORT(columns_float);

void columns_int8(const std::int8_t* x, const std::int8_t* vectors, int count, int lanes, std::int32_t* y) {
  HWY_DYNAMIC_DISPATCH(columns_int8)(x, vectors, count, lanes, y);
}
void columns_float(const float* x, const float* vectors, int count, int lanes, float* y) {
  HWY_DYNAMIC_DISPATCH(columns_float)(x, vectors, count, lanes, y);
}

void plain_columns_int8(const std::int8_t* x, const std::int8_t* vectors, int count, int lanes,
                        std::int32_t* y) {
  for (int v = 0; v < count; ++v) {
    y[v] = 0;
    for (int k = 0; k < lanes; ++k) {
      y[v] += static_cast<std::int32_t>(x[k]) * vectors[static_cast<std::ptrdiff_t>(v) * lanes + k];
    }
  }
}

void plain_columns_float(const float* x, const float* vectors, int count, int lanes, float* y) {
  for (int v = 0; v < count; ++v) {
    double partial[kPartials] = {};
    for (int k = 0; k < lanes; ++k) {
      partial[k % kPartials] += x[k] * vectors[static_cast<std::ptrdiff_t>(v) * lanes + k];
    }
    y[v] = sum_of(partial);
  }
}

void rows_int8(const std::int8_t* x, const std::int8_t* vectors, int count, int lanes, std::int32_t* y) {
  std::fill(y, y + lanes, 0);
  for (int k = 0; k < count; ++k) {
    for (int n = 0; n < lanes; ++n) {
      y[n] += static_cast<std::int32_t>(x[k]) * vectors[static_cast<std::ptrdiff_t>(k) * lanes + n];
    }
  }
}

void rows_float(const float* x, const float* vectors, int count, int lanes, float* y) {
  constexpr int kBlock = 16;  // result lanes at a time
  for (int first = 0; first < lanes; first += kBlock) {
    double partial[kBlock][kPartials] = {};
    for (int k = 0; k < count; ++k) {
      const float* vector = vectors + static_cast<std::ptrdiff_t>(k) * lanes + first;
      for (int n = 0; n < kBlock; ++n) {
        partial[n][k % kPartials] += x[k] * vector[n];
      }
    }
    for (int n = 0; n < kBlock; ++n) {
      y[first + n] = sum_of(partial[n]);
    }
  }
}

}  // namespace memwall::array_kernel
#endif  // HWY_ONCE
