#include "memwall/processors/systolic/fold_product.h"

#include <algorithm>
#include <cstddef>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "memwall/processors/systolic/fold_product.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace memwall::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// How a format's products are made: `kSteps` operands of one row side by side are one packed value, and
// `multiply_add` adds the products of packed values lane by lane, exactly for up to kMostSteps of them.
struct Int8Lanes {
  using Cell = Int8Cell;
  using Tag = hn::ScalableTag<std::int32_t>;
  static constexpr std::int64_t kMostSteps = 1 << 10;  // 2^16 would be exact; this many stay in the cache
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  // Two 16-bit values in a lane: one instruction multiplies both pairs and adds the products.
  static constexpr std::int64_t kSteps = 2;
  static std::int32_t pack(std::int16_t first, std::int16_t second) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::uint16_t>(second)) << 16 |
                                     static_cast<std::uint16_t>(first));
  }
  template <class V>
  static V multiply_add(V a, V b, V sum) {
    const Tag d32;
    const hn::Repartition<std::int16_t, Tag> d16;
    auto unused = hn::Zero(d32);
    return hn::ReorderWidenMulAccumulate(d32, hn::BitCast(d16, a), hn::BitCast(d16, b), sum, unused);
  }
#else
  static constexpr std::int64_t kSteps = 1;
  static std::int32_t pack(std::int16_t value, std::int16_t) { return value; }
  template <class V>
  static V multiply_add(V a, V b, V sum) {
    return hn::Add(sum, hn::Mul(a, b));
  }
#endif
};

// Operands are whole numbers below 2^18, so a double holds the sum of 2^17 products.
struct Fp8Lanes {
  using Cell = Fp8Cell;
  using Tag = hn::ScalableTag<double>;
  static constexpr std::int64_t kMostSteps = 1 << 10;
  static constexpr std::int64_t kSteps = 1;
  static double pack(std::int32_t value, std::int32_t) { return static_cast<double>(value); }
  template <class V>
  static V multiply_add(V a, V b, V sum) {
    return hn::MulAdd(a, b, sum);
  }
};

// Rows of `a`, kSteps steps side by side, zeros behind the last one.
template <class Lanes, class Operand, class Packed>
void pack_a(const Operand* values, std::int64_t row, std::int64_t step, std::int64_t rows, std::int64_t steps,
            Packed* packed) {
  for (std::int64_t i = 0; i < rows; ++i) {
    const Operand* from = values + i * row;
    std::int64_t p = 0;
    for (; p + Lanes::kSteps <= steps; p += Lanes::kSteps, from += Lanes::kSteps * step) {
      *packed++ = Lanes::pack(from[0], from[Lanes::kSteps > 1 ? step : 0]);
    }
    if (p < steps) {
      *packed++ = Lanes::pack(from[0], 0);
    }
  }
}

// Rows of `b`, each of kSteps steps side by side; `room` values from one to the next.
template <class Lanes, class Operand, class Packed>
void pack_b(const Operand* values, std::int64_t step, std::int64_t steps, std::int64_t columns,
            std::int64_t room, Packed* packed) {
  for (std::int64_t p = 0; p < steps; p += Lanes::kSteps, packed += room) {
    const Operand* first = values + p * step;
    if (Lanes::kSteps > 1 && p + 1 < steps) {
      const Operand* second = first + step;
      for (std::int64_t j = 0; j < columns; ++j) {
        packed[j] = Lanes::pack(first[j], second[j]);
      }
    } else {
      for (std::int64_t j = 0; j < columns; ++j) {
        packed[j] = Lanes::pack(first[j], 0);
      }
    }
  }
}

// Eight vectors of sums: of four rows and twice the lanes when `kWide`, else of eight rows.
template <class Lanes, bool kWide, class Packed>
void block(const Packed* a, std::int64_t a_room, const Packed* b, std::int64_t b_room, std::int64_t groups,
           Packed* sums) {
  const typename Lanes::Tag d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  constexpr std::int64_t kHalf = kWide ? 2 : 1;
  const auto row = [&](std::int64_t index) { return a + index / kHalf * a_room; };
  const auto side = [&](std::int64_t index) { return kWide && index % 2 == 1 ? lanes : 0; };
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  for (std::int64_t g = 0; g < groups; ++g) {
    const Packed* from = b + g * b_room;
    const auto left = hn::LoadU(d, from), right = hn::LoadU(d, from + side(1));
    s0 = Lanes::multiply_add(hn::Set(d, row(0)[g]), left, s0);
    s1 = Lanes::multiply_add(hn::Set(d, row(1)[g]), right, s1);
    s2 = Lanes::multiply_add(hn::Set(d, row(2)[g]), left, s2);
    s3 = Lanes::multiply_add(hn::Set(d, row(3)[g]), right, s3);
    s4 = Lanes::multiply_add(hn::Set(d, row(4)[g]), left, s4);
    s5 = Lanes::multiply_add(hn::Set(d, row(5)[g]), right, s5);
    s6 = Lanes::multiply_add(hn::Set(d, row(6)[g]), left, s6);
    s7 = Lanes::multiply_add(hn::Set(d, row(7)[g]), right, s7);
  }
  hn::StoreU(s0, d, sums);
  hn::StoreU(s1, d, sums + lanes);
  hn::StoreU(s2, d, sums + 2 * lanes);
  hn::StoreU(s3, d, sums + 3 * lanes);
  hn::StoreU(s4, d, sums + 4 * lanes);
  hn::StoreU(s5, d, sums + 5 * lanes);
  hn::StoreU(s6, d, sums + 6 * lanes);
  hn::StoreU(s7, d, sums + 7 * lanes);
}

template <class Cell, class Packed>
void add_block(const FoldOperands<Cell>& fold, std::int64_t row, std::int64_t column, std::int64_t rows,
               std::int64_t width, const Packed* sums) {
  using Total = typename Cell::Total;
  const std::int64_t columns = std::min(width, fold.columns - column);
  for (std::int64_t i = row; i < std::min(row + rows, fold.rows); ++i, sums += width) {
    Total* out = fold.out + i * fold.out_row + column;
    for (std::int64_t j = 0; j < columns; ++j) {
      out[j] += static_cast<Total>(sums[j]);
    }
  }
}

template <class Lanes>
void add_steps(const FoldOperands<typename Lanes::Cell>& fold,
               FoldScratch<typename Lanes::Cell::Packed>& scratch) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(typename Lanes::Tag()));
  constexpr std::int64_t kWideRows = 4, kNarrowRows = 8;
  constexpr std::int64_t kRowsAtOnce = 64;  // rows packed before they are read: they stay in the cache
  const std::int64_t groups = (fold.steps + Lanes::kSteps - 1) / Lanes::kSteps;
  const std::int64_t room = (fold.columns + lanes - 1) / lanes * lanes;
  scratch.a.assign(static_cast<std::size_t>(kRowsAtOnce * groups), 0);
  scratch.b.assign(static_cast<std::size_t>(groups * room), 0);
  scratch.sums.resize(static_cast<std::size_t>(kNarrowRows * lanes));
  auto* a = scratch.a.data();
  auto* b = scratch.b.data();
  auto* sums = scratch.sums.data();
  pack_b<Lanes>(fold.b, fold.b_step, fold.steps, fold.columns, room, b);
  for (std::int64_t first = 0; first < fold.rows; first += kRowsAtOnce) {
    const std::int64_t count = std::min(kRowsAtOnce, fold.rows - first);
    pack_a<Lanes>(fold.a + first * fold.a_row, fold.a_row, fold.a_step, count, fold.steps, a);
    std::int64_t column = 0;
    for (; column + lanes < room; column += 2 * lanes) {
      for (std::int64_t row = 0; row < count; row += kWideRows) {
        block<Lanes, true>(a + row * groups, groups, b + column, room, groups, sums);
        add_block(fold, first + row, column, kWideRows, 2 * lanes, sums);
      }
    }
    if (column < room) {
      for (std::int64_t row = 0; row < count; row += kNarrowRows) {
        block<Lanes, false>(a + row * groups, groups, b + column, room, groups, sums);
        add_block(fold, first + row, column, kNarrowRows, lanes, sums);
      }
    }
  }
}

template <class Lanes>
void add_fold(FoldOperands<typename Lanes::Cell> fold, FoldScratch<typename Lanes::Cell::Packed>& scratch) {
  const std::int64_t steps = fold.steps;
  for (std::int64_t done = 0; done < steps; done += Lanes::kMostSteps) {
    fold.steps = std::min(Lanes::kMostSteps, steps - done);
    add_steps<Lanes>(fold, scratch);
    fold.a += fold.steps * fold.a_step;
    fold.b += fold.steps * fold.b_step;
  }
}

void add_int8(const FoldOperands<Int8Cell>& fold, FoldScratch<Int8Cell::Packed>& scratch) {
  add_fold<Int8Lanes>(fold, scratch);
}
void add_fp8(const FoldOperands<Fp8Cell>& fold, FoldScratch<Fp8Cell::Packed>& scratch) {
  add_fold<Fp8Lanes>(fold, scratch);
}

bool whole_bytes(const float* values, std::int64_t count) {
  const hn::ScalableTag<float> floats;
  const hn::RebindToSigned<decltype(floats)> whole;
  const auto least = hn::Set(floats, -128), most = hn::Set(floats, 127);
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(floats));
  std::int64_t at = 0;
  for (; at + lanes <= count; at += lanes) {
    const auto value = hn::LoadU(floats, values + at);
    const auto same = hn::Eq(hn::ConvertTo(floats, hn::ConvertTo(whole, value)), value);
    if (!hn::AllTrue(floats, hn::And(same, hn::And(hn::Ge(value, least), hn::Le(value, most))))) {
      return false;
    }
  }
  return std::all_of(values + at, values + count, [](float value) {
    return value >= -128 && value <= 127 && value == static_cast<float>(static_cast<int>(value));
  });
}

}  // namespace memwall::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace memwall {

HWY_EXPORT(add_int8);
HWY_EXPORT(add_fp8);
HWY_EXPORT(whole_bytes);

void add_product(const FoldOperands<Int8Cell>& fold, FoldScratch<Int8Cell::Packed>& scratch) {
  HWY_DYNAMIC_DISPATCH(add_int8)(fold, scratch);
}
void add_product(const FoldOperands<Fp8Cell>& fold, FoldScratch<Fp8Cell::Packed>& scratch) {
  HWY_DYNAMIC_DISPATCH(add_fp8)(fold, scratch);
}

bool are_int8(const float* values, std::int64_t count) {
  return HWY_DYNAMIC_DISPATCH(whole_bytes)(values, count);
}

// Sums of 640 bits: one product at a time.
void add_product(const FoldOperands<WideCell>& fold, FoldScratch<WideCell::Packed>&) {
  for (std::int64_t i = 0; i < fold.rows; ++i) {
    for (std::int64_t j = 0; j < fold.columns; ++j) {
      WideSum& sum = fold.out[i * fold.out_row + j];
      for (std::int64_t p = 0; p < fold.steps; ++p) {
        WideCell::multiply_add(sum, fold.a[i * fold.a_row + p * fold.a_step], fold.b[p * fold.b_step + j]);
      }
    }
  }
}

}  // namespace memwall
#endif
