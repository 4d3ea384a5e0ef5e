#include "memwall/processors/lpu/matrix_plane.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "memwall/processors/lpu/array_kernel.h"

namespace memwall {
namespace {

constexpr int kBitsPerByte = 8;

std::size_t at(int vector, int lanes) {
  return static_cast<std::size_t>(vector) * static_cast<std::size_t>(lanes);
}

}  // namespace

MatrixPlane::MatrixPlane(const LpuGeometry& geometry, bool wide, int tiles)
    : lanes_(geometry.lanes()),
      lag_(geometry.matrix_delay + geometry.superlanes),
      delay_(geometry.matrix_delay),
      wide_(wide),
      tiles_(tiles),
      states_(static_cast<std::size_t>(tiles)) {}

bool MatrixPlane::load(LaneType type, bool columns, const std::uint8_t* const* planes, int count, int tile) {
  TileState& state = states_[static_cast<std::size_t>(tile)];
  if (state.loading - first_array_ == static_cast<std::int64_t>(arrays_.size())) {
    Array fresh;
    if (!spare_.empty()) {
      fresh = std::move(spare_.back());
      spare_.pop_back();
    }
    fresh.type = type;
    fresh.columns = columns;
    fresh.count = 0;
    arrays_.push_back(std::move(fresh));
  }
  Array& loading = array(state.loading);
  if (loading.type != type || loading.columns != columns || state.count + count > lanes_) {
    return false;
  }
  if (type == LaneType::int8) {
    loading.bytes.resize(at(lanes_, lanes_));
  } else {
    loading.values.resize(at(lanes_, lanes_));
  }
  for (int j = 0; j < count; ++j) {
    const std::uint8_t* bytes[2] = {planes[j], type == LaneType::fp16 ? planes[count + j] : nullptr};
    const std::size_t vector = at(state.count + j, lanes_);
    if (type == LaneType::int8) {
      std::copy_n(reinterpret_cast<const std::int8_t*>(bytes[0]) + begin(tile), end(tile) - begin(tile),
                  loading.bytes.begin() + static_cast<std::ptrdiff_t>(vector) + begin(tile));
    } else {
      unpack_lanes(type, bytes, begin(tile), end(tile), loading.values.data() + vector);
    }
  }
  state.count += count;
  loading.count = std::max(loading.count, state.count);
  return true;
}

bool MatrixPlane::install(int tile) {
  TileState& state = states_[static_cast<std::size_t>(tile)];
  if (state.count == 0) {
    return false;
  }
  state.installed = state.loading++;
  state.count = 0;
  for (; tile + 1 == tiles_ && first_array_ < state.installed; ++first_array_) {
    spare_.push_back(std::move(arrays_.front()));
    arrays_.pop_front();
  }
  return true;
}

MatrixPlane::Result& MatrixPlane::result_due(std::int64_t due) {
  for (Result& result : results_) {
    if (result.due == due) {
      return result;
    }
  }
  // A result that nobody took in its cycle is gone; its storage serves again.
  Result result;
  if (!results_.empty() && results_.front().due + lag_ < due) {
    result = std::move(results_.front());
    results_.pop_front();
  }
  result.due = due;
  result.operand_bytes.resize(static_cast<std::size_t>(lanes_));
  result.operand_values.resize(static_cast<std::size_t>(lanes_));
  result.sums.assign(static_cast<std::size_t>(lanes_), 0);
  result.values.assign(static_cast<std::size_t>(lanes_), 0);
  results_.push_back(std::move(result));
  return results_.back();
}

void MatrixPlane::multiply(const Array& array, Result& result) const {
  const std::int8_t* x8 = result.operand_bytes.data();
  const float* x = result.operand_values.data();
  if (result.whole_numbers && array.columns) {
    const auto kernel = wide_ ? array_kernel::columns_int8 : array_kernel::plain_columns_int8;
    kernel(x8, array.bytes.data(), array.count, lanes_, result.sums.data());
  } else if (result.whole_numbers) {
    array_kernel::rows_int8(x8, array.bytes.data(), array.count, lanes_, result.sums.data());
  } else if (array.columns) {
    const auto kernel = wide_ ? array_kernel::columns_float : array_kernel::plain_columns_float;
    kernel(x, array.values.data(), array.count, lanes_, result.values.data());
  } else {
    array_kernel::rows_float(x, array.values.data(), array.count, lanes_, result.values.data());
  }
}

bool MatrixPlane::pass(LaneType type, const std::uint8_t* const* planes, std::int64_t due, int tile) {
  const TileState& state = states_[static_cast<std::size_t>(tile)];
  if (state.installed < 0 || array(state.installed).type != type) {
    return false;
  }
  last_pass_ = due - delay_;
  Result& result = result_due(due);
  result.whole_numbers = type == LaneType::int8;
  if (result.whole_numbers) {
    std::copy_n(reinterpret_cast<const std::int8_t*>(planes[0]) + begin(tile), end(tile) - begin(tile),
                result.operand_bytes.begin() + begin(tile));
  } else {
    unpack_lanes(type, planes, begin(tile), end(tile), result.operand_values.data());
  }
  if (tile + 1 == tiles_) {  // the last lanes of weights and operand are here
    multiply(array(state.installed), result);
    macs_ += static_cast<std::int64_t>(array(state.installed).count) * lanes_;
  }
  return true;
}

bool MatrixPlane::accumulate(std::int64_t cycle, int slot_index, bool adds, std::uint8_t* const* planes,
                             int tile) {
  const auto found = std::find_if(results_.begin(), results_.end(),
                                  [cycle](const Result& result) { return result.due == cycle; });
  if (found == results_.end()) {
    return false;
  }
  if (slots_.size() <= static_cast<std::size_t>(slot_index)) {
    slots_.resize(static_cast<std::size_t>(slot_index) + 1);
  }
  Slot& slot = slots_[static_cast<std::size_t>(slot_index)];
  slot.sums.resize(static_cast<std::size_t>(lanes_));
  slot.values.resize(static_cast<std::size_t>(lanes_));
  if (adds && slot.whole_numbers != found->whole_numbers) {
    return false;
  }
  for (int n = begin(tile); n < end(tile); ++n) {
    const auto lane = static_cast<std::size_t>(n);
    // Sums wrap as the chip's 32-bit adders do.
    const auto sum = static_cast<std::uint32_t>(found->sums[lane]) +
                     (adds ? static_cast<std::uint32_t>(slot.sums[lane]) : 0u);
    slot.sums[lane] = static_cast<std::int32_t>(sum);
    slot.values[lane] = adds ? slot.values[lane] + found->values[lane] : found->values[lane];
    const std::uint32_t bits = found->whole_numbers ? sum : std::bit_cast<std::uint32_t>(slot.values[lane]);
    for (int b = 0; b < 4; ++b) {
      planes[b][n] = static_cast<std::uint8_t>(bits >> (kBitsPerByte * b));
    }
  }
  if (tile + 1 == tiles_) {
    slot.whole_numbers = found->whole_numbers;
    results_.erase(found);
  }
  return true;
}

}  // namespace memwall
