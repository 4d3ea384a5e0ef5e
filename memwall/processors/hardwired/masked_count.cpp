#include "memwall/processors/hardwired/masked_count.h"

#include <bit>

// Compiled once per instruction set: the file includes itself through foreach_target.h.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "memwall/processors/hardwired/masked_count.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace memwall {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Words = hn::CappedTag<std::uint64_t, kMaskWords>;

// One mask against `kPlanes` planes at once: the mask is loaded once, the sums stay in registers.
template <std::size_t kPlanes>
void count_planes(const std::uint64_t* mask, const std::uint64_t* planes, std::size_t words,
                  std::uint32_t* counts) {
  const Words d;
  using Vector = hn::Vec<Words>;
  Vector sums[kPlanes];
  for (Vector& sum : sums) {
    sum = hn::Zero(d);
  }
  for (std::size_t word = 0; word < words; word += hn::Lanes(d)) {
    const Vector masked_by = hn::LoadU(d, mask + word);
    for (std::size_t plane = 0; plane < kPlanes; ++plane) {
      const Vector ones = hn::And(masked_by, hn::LoadU(d, planes + plane * words + word));
      sums[plane] = hn::Add(sums[plane], hn::PopulationCount(ones));
    }
  }
  for (std::size_t plane = 0; plane < kPlanes; ++plane) {
    counts[plane] = static_cast<std::uint32_t>(hn::GetLane(hn::SumOfLanes(d, sums[plane])));
  }
}

void count_all(const MaskedCount& task, std::uint32_t* counts) {
  constexpr std::size_t kTogether = 4;  // planes whose sums fit beside each other in the registers
  for (std::size_t m = 0; m < task.mask_count; ++m) {
    const std::uint64_t* mask = task.masks + m * task.words;
    std::size_t plane = 0;
    for (; plane + kTogether <= task.plane_count; plane += kTogether) {
      count_planes<kTogether>(mask, task.planes + plane * task.words, task.words,
                              counts + m * task.plane_count + plane);
    }
    for (; plane < task.plane_count; ++plane) {
      count_planes<1>(mask, task.planes + plane * task.words, task.words,
                      counts + m * task.plane_count + plane);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace memwall
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace memwall {

HWY_EXPORT(count_all);

void masked_count(const MaskedCount& task, std::uint32_t* counts) {
  HWY_DYNAMIC_DISPATCH(count_all)(task, counts);
}

void masked_count_plain(const MaskedCount& task, std::uint32_t* counts) {
  for (std::size_t m = 0; m < task.mask_count; ++m) {
    for (std::size_t plane = 0; plane < task.plane_count; ++plane) {
      int ones = 0;
      for (std::size_t word = 0; word < task.words; ++word) {
        ones += std::popcount(task.masks[m * task.words + word] & task.planes[plane * task.words + word]);
      }
      counts[m * task.plane_count + plane] = static_cast<std::uint32_t>(ones);
    }
  }
}

}  // namespace memwall
#endif  // HWY_ONCE
