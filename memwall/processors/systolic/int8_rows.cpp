#include "memwall/processors/systolic/int8_rows.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "memwall/processors/systolic/int8_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace memwall::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void int8_row(const std::int32_t* HWY_RESTRICT a, const std::int32_t* HWY_RESTRICT b, const std::int32_t* in,
              std::int32_t* out, std::int64_t count) {
  const hn::ScalableTag<std::int32_t> d32;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d32));
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  // The lower half of a value is the value itself, the upper half its sign: with that of b cleared, the sum
  // of the two 16-bit products is the product. One instruction where a 32-bit product takes several.
  const hn::Repartition<std::int16_t, decltype(d32)> d16;
  const auto low_half = hn::Set(d32, 0xFFFF);
  for (std::int64_t i = 0; i < count; i += lanes) {
    auto unused = hn::Zero(d32);
    const auto left = hn::BitCast(d16, hn::LoadU(d32, a + i));
    const auto right = hn::BitCast(d16, hn::And(hn::LoadU(d32, b + i), low_half));
    hn::StoreU(hn::ReorderWidenMulAccumulate(d32, left, right, hn::LoadU(d32, in + i), unused), d32, out + i);
  }
#else
  for (std::int64_t i = 0; i < count; i += lanes) {
    const auto product = hn::Mul(hn::LoadU(d32, a + i), hn::LoadU(d32, b + i));
    hn::StoreU(hn::Add(hn::LoadU(d32, in + i), product), d32, out + i);
  }
#endif
}

}  // namespace memwall::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace memwall {

HWY_EXPORT(int8_row);

void int8_multiply_row(const std::int32_t* a, const std::int32_t* b, const std::int32_t* in,
                       std::int32_t* out, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(int8_row)(a, b, in, out, count);
}

}  // namespace memwall
#endif
