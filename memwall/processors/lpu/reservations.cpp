#include "memwall/processors/lpu/reservations.h"

#include <algorithm>
#include <cassert>

namespace memwall {
namespace {

constexpr unsigned kCycleBits = 40, kResourceBits = 16;

std::uint64_t key_of(std::int32_t chip, int resource, std::int64_t cycle) {
  assert(cycle >= 0 && cycle < std::int64_t{1} << kCycleBits);
  return static_cast<std::uint64_t>(chip) << (kCycleBits + kResourceBits) |
         static_cast<std::uint64_t>(resource) << kCycleBits | static_cast<std::uint64_t>(cycle);
}

}  // namespace

bool Reservations::take_slot(std::uint64_t key) {
  if (!slots_.insert(key).second) {
    return false;
  }
  log_.push_back({false, key});
  return true;
}

bool Reservations::take(const LpuInstruction& i) {
  if (i.cycle < 0) {
    return false;
  }
  const int queues = queue_count(geometry_);
  if (i.opcode == LpuOpcode::read || i.opcode == LpuOpcode::write) {
    const int slice = queue_of(geometry_, i);  // a slice's queue holds an access to each of its banks
    return take_slot(key_of(i.chip, queues + slice * LpuGeometry::kBanks + i.bank, i.cycle));
  }
  if (!take_slot(key_of(i.chip, queue_of(geometry_, i), i.cycle))) {
    return false;
  }
  const bool both_planes = i.is_pair() && (i.opcode == LpuOpcode::load || i.opcode == LpuOpcode::install ||
                                           i.opcode == LpuOpcode::pass);
  if (!both_planes) {
    return true;
  }
  LpuInstruction other = i;
  other.unit = 1;
  return take_slot(key_of(i.chip, queue_of(geometry_, other), i.cycle));
}

bool Reservations::take_stream(std::int32_t chip, StreamDirection direction, int stream, int from,
                               std::int64_t cycle, int to) {
  const std::int64_t diagonal = direction == StreamDirection::east ? cycle - from : cycle + from;
  if (diagonal + geometry_.positions() < 0) {
    return false;
  }
  const int resource = (direction == StreamDirection::east ? 0 : geometry_.streams) + stream;
  const std::uint64_t key = key_of(chip, resource, diagonal + geometry_.positions());
  std::vector<Interval>& taken = streams_[key];
  const auto low = static_cast<std::int16_t>(std::min(from, to)),
             high = static_cast<std::int16_t>(std::max(from, to));
  for (const Interval& interval : taken) {
    if (low <= interval.high && interval.low <= high) {
      return false;
    }
  }
  taken.push_back({low, high});
  log_.push_back({true, key});
  return true;
}

void Reservations::undo_to(std::size_t mark) {
  while (log_.size() > mark) {
    const Entry entry = log_.back();
    log_.pop_back();
    if (entry.is_stream) {
      streams_[entry.key].pop_back();
    } else {
      slots_.erase(entry.key);
    }
  }
}

}  // namespace memwall
