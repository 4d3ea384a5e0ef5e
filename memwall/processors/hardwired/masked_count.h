// masked_count.h - population counts of many bit masks over many bit planes: what a bank of hardwired
// neurons computes, on the host's widest registers (chosen at run time).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace memwall {

// Words per mask and plane are a multiple of this: one cache line.
inline constexpr std::size_t kMaskWords = 8;

// counts[mask][plane] = number of ones in mask & plane. masks: [mask_count][words], planes:
// [plane_count][words], `words` a multiple of kMaskWords.
struct MaskedCount {
  const std::uint64_t* masks = nullptr;
  std::size_t mask_count = 0;
  const std::uint64_t* planes = nullptr;
  std::size_t plane_count = 0, words = 0;
};
void masked_count(const MaskedCount& task, std::uint32_t* counts);
// The same, word by word: what the fast one is held against.
void masked_count_plain(const MaskedCount& task, std::uint32_t* counts);

}  // namespace memwall
