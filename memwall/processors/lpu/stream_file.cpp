#include "memwall/processors/lpu/stream_file.h"

#include <algorithm>

namespace memwall {
namespace {

std::int64_t diagonal_of(StreamDirection direction, int position, std::int64_t cycle) {
  return direction == StreamDirection::east ? position - cycle : position + cycle;
}

}  // namespace

// Tile s lags s cycles behind, so values that the first tile no longer sees are still needed.
StreamFile::StreamFile(const LpuGeometry& geometry)
    : streams_(geometry.streams),
      lanes_(geometry.lanes()),
      ring_(geometry.positions() + geometry.superlanes),
      slots_(static_cast<std::size_t>(2) * streams_ * ring_),
      bytes_(slots_.size() * static_cast<std::size_t>(lanes_)) {}

std::size_t StreamFile::slot_of(StreamDirection direction, int stream, std::int64_t diagonal) const {
  const std::int64_t place = ((diagonal % ring_) + ring_) % ring_;
  const int row = (direction == StreamDirection::east ? 0 : streams_) + stream;
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(ring_) + static_cast<std::size_t>(place);
}

bool StreamFile::write(StreamDirection direction, int stream, int position, std::int64_t cycle,
                       std::uint32_t tiles, int begin, int end, const std::uint8_t* bytes) {
  const std::int64_t diagonal = diagonal_of(direction, position, cycle);
  const std::size_t index = slot_of(direction, stream, diagonal);
  Slot& slot = slots_[index];
  if (slot.diagonal != diagonal) {
    slot = {diagonal, 0};
  }
  if ((slot.valid & tiles) != 0) {
    return false;
  }
  slot.valid |= tiles;
  std::copy(bytes + begin, bytes + end, bytes_.data() + index * static_cast<std::size_t>(lanes_) + begin);
  return true;
}

const std::uint8_t* StreamFile::read(StreamDirection direction, int stream, int position, std::int64_t cycle,
                                     std::uint32_t tiles) const {
  const std::int64_t diagonal = diagonal_of(direction, position, cycle);
  const std::size_t index = slot_of(direction, stream, diagonal);
  const Slot& slot = slots_[index];
  const bool valid = slot.diagonal == diagonal && (slot.valid & tiles) == tiles;
  return valid ? bytes_.data() + index * static_cast<std::size_t>(lanes_) : nullptr;
}

void StreamFile::consume(StreamDirection direction, int stream, int position, std::int64_t cycle,
                         std::uint32_t tiles) {
  slots_[slot_of(direction, stream, diagonal_of(direction, position, cycle))].valid &= ~tiles;
}

}  // namespace memwall
