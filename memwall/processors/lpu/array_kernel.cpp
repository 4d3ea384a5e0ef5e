#include "memwall/processors/lpu/array_kernel.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "memwall/processors/lpu/array_kernel.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace memwall::array_kernel::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Products are added as 32-bit sums, which are exact in any order.
void columns_int8(const std::int8_t* x, const std::int8_t* vectors, int count, int lanes, std::int32_t* y) {
#if HWY_TARGET == HWY_SCALAR
  for (int v = 0; v < count; ++v) {
    y[v] = 0;
  }
  add_columns_int8(x, vectors, count, lanes, 0, lanes, y);
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
    sum_partials(partial, 1, kPartials, 1, y + v);
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

void add_columns_int8(const std::int8_t* x, const std::int8_t* vectors, int count, int lanes, int begin,
                      int end, std::int32_t* y) {
  for (int v = 0; v < count; ++v) {
    for (int k = begin; k < end; ++k) {
      y[v] += static_cast<std::int32_t>(x[k]) * vectors[static_cast<std::ptrdiff_t>(v) * lanes + k];
    }
  }
}

void add_columns_float(const float* x, const float* vectors, int count, int lanes, int begin, int end,
                       double* partial) {
  for (int v = 0; v < count; ++v) {
    for (int k = begin; k < end; ++k) {
      partial[static_cast<std::ptrdiff_t>(v) * kPartials + k % kPartials] +=
          x[k] * vectors[static_cast<std::ptrdiff_t>(v) * lanes + k];
    }
  }
}

void add_rows_float(const float* x, const float* vectors, int lanes, int begin, int end, double* partial) {
  for (int k = begin; k < end; ++k) {
    const float* vector = vectors + static_cast<std::ptrdiff_t>(k) * lanes;
    double* sums = partial + static_cast<std::ptrdiff_t>(k % kPartials) * lanes;
    for (int n = 0; n < lanes; ++n) {
      sums[n] += x[k] * vector[n];
    }
  }
}

void sum_partials(const double* partial, int count, int result_stride, int partial_stride, float* y) {
  for (int v = 0; v < count; ++v) {
    double sums[kPartials];
    for (int i = 0; i < kPartials; ++i) {
      sums[i] = partial[static_cast<std::ptrdiff_t>(v) * result_stride +
                        static_cast<std::ptrdiff_t>(i) * partial_stride];
    }
    for (int half = kPartials / 2; half >= 1; half /= 2) {
      for (int i = 0; i < half; ++i) {
        sums[i] += sums[i + half];
      }
    }
    y[v] = static_cast<float>(sums[0]);
  }
}

}  // namespace memwall::array_kernel
#endif  // HWY_ONCE
