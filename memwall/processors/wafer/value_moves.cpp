#include "memwall/processors/wafer/value_moves.h"

#include <algorithm>

#include "memwall/processors/wafer/half.h"

namespace memwall::mesh {
namespace {

constexpr std::int32_t kValuesPerWavelet = 2;
constexpr int kBitsPerValue = 16;

std::uint32_t move(const MemoryOperation& each, bool takes, bool makes, std::int32_t at, std::uint32_t in,
                   std::uint16_t* values) {
  std::uint32_t out = 0;
  const std::int32_t count = std::min(kValuesPerWavelet, each.length - at);
  for (std::int32_t i = 0; i < count; ++i) {
    std::uint16_t value =
        takes ? static_cast<std::uint16_t>(in >> (kBitsPerValue * i)) : values[each.from + at + i];
    if (each.kind == Instruction::Kind::add) {
      value = half_add(value, values[each.other + at + i]);
    }
    if (makes) {
      out |= static_cast<std::uint32_t>(value) << (kBitsPerValue * i);
    } else {
      values[each.to + at + i] = value;
    }
  }
  return out;
}

}  // namespace

std::uint32_t ValueMoves::beat(const MemoryOperation& operation, bool takes, bool makes, std::int32_t at,
                               std::uint32_t in, std::size_t core, std::uint16_t* memory) {
  if (copies() == 1) {
    return move(operation, takes, makes, at, in, memory + core);
  }
  notes_.push_back({&operation, core, in, next_, 0, at, takes, makes});
  return makes ? next_++ : 0;
}

void ValueMoves::run(const MemoryOperation& operation, std::size_t core, std::size_t values,
                     std::uint16_t* memory) {
  if (copies() == 1) {
    run_in_memory(operation, {memory + core, values});
  } else {
    notes_.push_back({&operation, core, 0, 0, static_cast<std::uint32_t>(values), 0, false, false});
  }
}

void ValueMoves::carry_out(std::uint16_t* memory) {
  for (const Note& note : notes_) {
    if (note.values != 0) {
      run_in_memory(*note.operation, {memory + note.core, note.values});
      continue;
    }
    const std::uint32_t in = note.takes ? words_[note.in] : 0;
    const std::uint32_t out = move(*note.operation, note.takes, note.makes, note.at, in, memory + note.core);
    if (note.makes) {
      words_[note.out] = out;
    }
  }
}

void ValueMoves::flush(const std::vector<std::uint32_t*>& wavelets, std::uint16_t* memory) {
  // A wavelet that was copied on its way has one number in several places.
  std::vector<std::uint32_t> kept;
  for (const std::uint32_t* wavelet : wavelets) {
    kept.push_back(*wavelet);
  }
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  alive_.resize(copies());
  words_.resize(next_);
  for (std::size_t copy = 0; copy < copies(); ++copy) {
    std::copy(alive_[copy].begin(), alive_[copy].end(), words_.begin());
    carry_out(memory + offsets_[copy]);
    alive_[copy].clear();
    for (const std::uint32_t number : kept) {
      alive_[copy].push_back(words_[number]);
    }
  }
  for (std::uint32_t* wavelet : wavelets) {
    *wavelet =
        static_cast<std::uint32_t>(std::lower_bound(kept.begin(), kept.end(), *wavelet) - kept.begin());
  }
  next_ = static_cast<std::uint32_t>(kept.size());
  notes_.clear();
}

}  // namespace memwall::mesh
