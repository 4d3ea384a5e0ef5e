// mesh_queues.h - queues of the fast mesh machine: one cache line each, no list of what is under way.
//
// A wavelet is written into its queue when it is sent and becomes visible after its delay. `pending` holds a
// bit per wavelet that is not visible yet, bit d - 1 for one that was sent d - 1 cycles short of its delay,
// relative to `stamp`. Room is judged by what stood at the start of the cycle: a wavelet that left in this
// one still counts. Times are the low 16 bits of the cycle.
#pragma once

#include <array>
#include <cstdint>

namespace memwall {

inline constexpr int kRing = 8;  // wavelets that a queue can hold at most

// Bits set in a byte; processors without such an instruction are the default of the compiler.
inline constexpr std::array<std::uint8_t, 256> kBitCounts = [] {
  std::array<std::uint8_t, 256> counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    counts[i] = static_cast<std::uint8_t>((i & 1) + counts[i / 2]);
  }
  return counts;
}();

struct MeshQueue {
  std::array<std::uint32_t, kRing> data{};
  std::uint16_t left = 0;   // when a wavelet last left
  std::uint16_t stamp = 0;  // of pending
  std::uint8_t pending = 0;
  std::uint8_t control = 0;  // mask of ring places that hold control wavelets
  std::uint8_t head = 0, held = 0, capacity = 0;

  int visible(std::int64_t now) const {
    const auto age = static_cast<std::uint16_t>(static_cast<std::uint16_t>(now) - stamp);
    return held - (age < kRing ? kBitCounts[pending >> age] : 0);
  }
  bool has_room(std::int64_t now) const {
    return held + (left == static_cast<std::uint16_t>(now) ? 1 : 0) < capacity;
  }
  void push(std::uint32_t word, bool is_control, int delay, std::int64_t now) {
    const int place = (head + held) & (kRing - 1);
    data[place] = word;
    control = static_cast<std::uint8_t>((control & ~(1U << place)) | (is_control ? 1U << place : 0U));
    const auto age = static_cast<std::uint16_t>(static_cast<std::uint16_t>(now) - stamp);
    const unsigned waiting = age < kRing ? static_cast<unsigned>(pending) >> age : 0U;
    pending = static_cast<std::uint8_t>(waiting | 1U << (delay - 1));
    stamp = static_cast<std::uint16_t>(now);
    ++held;
  }
  bool front_is_control() const { return (control >> head & 1) != 0; }
  std::uint32_t pop(std::int64_t now) {
    const std::uint32_t word = data[head];
    head = (head + 1) & (kRing - 1);
    --held;
    left = static_cast<std::uint16_t>(now);
    return word;
  }
  // To be called when the bits above the low 16 of the cycle change: no old time may look like a new one.
  void forget(std::int64_t now) {
    const auto age = static_cast<std::uint16_t>(static_cast<std::uint16_t>(now) - stamp);
    pending = age < kRing ? static_cast<std::uint8_t>(pending >> age) : std::uint8_t{0};
    stamp = static_cast<std::uint16_t>(now);
    left = static_cast<std::uint16_t>(now - 1);
  }
};

}  // namespace memwall
