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

void multiply(const CellRows<Int8Cell>& cells) {
  const hn::ScalableTag<std::int32_t> d32;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d32));
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  // The lower half of a value is the value itself, the upper half its sign: with one sign cleared, the sum of
  // the two 16-bit products is the product. One instruction where a 32-bit product takes several.
  const hn::Repartition<std::int16_t, decltype(d32)> d16;
  const auto low_half = hn::Set(d32, 0xFFFF);
#endif
  for (std::int64_t r = cells.rows - 1; r >= 0; --r) {
    const std::int32_t* left = cells.left + r * cells.window;
    const std::int32_t* other = cells.other + r * cells.stride;
    const std::int32_t* in = cells.in + r * cells.stride;
    std::int32_t* out = cells.out + r * cells.stride;
    for (std::int64_t i = 0; i < cells.columns; i += lanes) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
      auto unused = hn::Zero(d32);
      const auto a = hn::BitCast(d16, hn::LoadU(d32, left + i));
      const auto b = hn::BitCast(d16, hn::And(hn::LoadU(d32, other + i), low_half));
      hn::StoreU(hn::ReorderWidenMulAccumulate(d32, a, b, hn::LoadU(d32, in + i), unused), d32, out + i);
#else
      const auto product = hn::Mul(hn::LoadU(d32, left + i), hn::LoadU(d32, other + i));
      hn::StoreU(hn::Add(hn::LoadU(d32, in + i), product), d32, out + i);
#endif
    }
  }
}

}  // namespace memwall::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace memwall {

HWY_EXPORT(multiply);

void int8_multiply(const CellRows<Int8Cell>& cells) { HWY_DYNAMIC_DISPATCH(multiply)(cells); }

}  // namespace memwall
#endif
