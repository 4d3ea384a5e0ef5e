#include "memwall/processors/lpu/matrix_plane.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "memwall/processors/lpu/array_kernel.h"

namespace memwall {
namespace {

constexpr int kPartials = array_kernel::kPartials;
constexpr int kBitsPerByte = 8;

std::size_t at(int vector, int lanes) {
  return static_cast<std::size_t>(vector) * static_cast<std::size_t>(lanes);
}

}  // namespace

bool MatrixPlane::load(LaneType type, bool columns, const std::uint8_t* const* planes, int count, int begin,
                       int end, bool last) {
  const bool fresh = loading_.count == 0;
  if ((!fresh && (loading_.type != type || loading_.columns != columns)) || loading_.count + count > lanes_) {
    return false;
  }
  loading_.type = type;
  loading_.columns = columns;
  loading_.filled = true;
  if (type == LaneType::int8) {
    loading_.bytes.resize(at(lanes_, lanes_));
  } else {
    loading_.values.resize(at(lanes_, lanes_));
  }
  for (int j = 0; j < count; ++j) {
    const std::uint8_t* bytes[2] = {planes[j], type == LaneType::fp16 ? planes[count + j] : nullptr};
    if (type == LaneType::int8) {
      std::transform(
          bytes[0] + begin, bytes[0] + end,
          loading_.bytes.begin() + static_cast<std::ptrdiff_t>(at(loading_.count + j, lanes_)) + begin,
          [](std::uint8_t byte) { return static_cast<std::int8_t>(byte); });
    } else {
      unpack_lanes(type, bytes, begin, end, loading_.values.data() + at(loading_.count + j, lanes_));
    }
  }
  if (last) {
    loading_.count += count;
  }
  return true;
}

// Tile by tile: weights of operand lanes are lanes of column vectors, and vectors of rows.
bool MatrixPlane::install(int begin, int end, bool last) {
  if (begin == 0 && loading_.count == 0) {
    return false;
  }
  if (begin == 0 && last) {
    std::swap(installed_, loading_);
    loading_.count = 0;
    return true;
  }
  if (begin == 0) {
    installed_.columns = loading_.columns;
    installed_.type = loading_.type;
    installed_.count = loading_.count;
    installed_.filled = true;
    installed_.bytes.resize(loading_.bytes.size());
    installed_.values.resize(loading_.values.size());
  }
  const auto copy = [&](auto& from, auto& to) {
    if (from.empty()) {
      return;
    }
    for (int v = 0; v < lanes_; ++v) {
      for (int k = 0; k < lanes_; ++k) {
        const int operand = installed_.columns ? k : v;
        if (operand >= begin && operand < end) {
          to[at(v, lanes_) + static_cast<std::size_t>(k)] = from[at(v, lanes_) + static_cast<std::size_t>(k)];
        }
      }
    }
  };
  copy(loading_.bytes, installed_.bytes);
  copy(loading_.values, installed_.values);
  if (last) {
    loading_.count = 0;
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
  result.sums.assign(static_cast<std::size_t>(lanes_), 0);
  result.values.assign(static_cast<std::size_t>(lanes_), 0);
  result.partial.clear();
  results_.push_back(std::move(result));
  return results_.back();
}

void MatrixPlane::multiply(const Array& array, int begin, int end, Result& result) {
  const bool whole = begin == 0 && end == lanes_;
  result.by_rows = !array.columns;
  result.count = array.count;
  result.whole_numbers = array.type == LaneType::int8;
  if (result.whole_numbers) {
    if (array.columns && whole && wide_) {
      array_kernel::columns_int8(operand_bytes_.data(), array.bytes.data(), array.count, lanes_,
                                 result.sums.data());
    } else if (array.columns) {
      array_kernel::add_columns_int8(operand_bytes_.data(), array.bytes.data(), array.count, lanes_, begin,
                                     end, result.sums.data());
    } else {
      for (int k = begin; k < std::min(end, array.count); ++k) {
        for (int n = 0; n < lanes_; ++n) {
          result.sums[static_cast<std::size_t>(n)] +=
              operand_bytes_[static_cast<std::size_t>(k)] *
              array.bytes[at(k, lanes_) + static_cast<std::size_t>(n)];
        }
      }
    }
    return;
  }
  if (array.columns && whole && wide_) {
    array_kernel::columns_float(operand_values_.data(), array.values.data(), array.count, lanes_,
                                result.values.data());
    return;
  }
  result.partial.resize(at(lanes_, kPartials));
  if (array.columns) {
    array_kernel::add_columns_float(operand_values_.data(), array.values.data(), array.count, lanes_, begin,
                                    end, result.partial.data());
  } else {
    array_kernel::add_rows_float(operand_values_.data(), array.values.data(), lanes_, begin,
                                 std::min(end, array.count), result.partial.data());
  }
}

void MatrixPlane::finish(Result& result) const {
  if (result.partial.empty()) {
    return;
  }
  if (result.by_rows) {
    array_kernel::sum_partials(result.partial.data(), lanes_, 1, lanes_, result.values.data());
  } else {
    array_kernel::sum_partials(result.partial.data(), result.count, kPartials, 1, result.values.data());
  }
}

bool MatrixPlane::pass(LaneType type, const std::uint8_t* const* planes, int begin, int end, std::int64_t due,
                       bool last) {
  if (!installed_.filled || installed_.type != type) {
    return false;
  }
  operand_bytes_.resize(static_cast<std::size_t>(lanes_));
  operand_values_.resize(static_cast<std::size_t>(lanes_));
  if (type == LaneType::int8) {
    std::transform(planes[0] + begin, planes[0] + end, operand_bytes_.begin() + begin,
                   [](std::uint8_t byte) { return static_cast<std::int8_t>(byte); });
  } else {
    unpack_lanes(type, planes, begin, end, operand_values_.data());
  }
  last_pass_ = due - delay_;
  Result& result = result_due(due);
  multiply(installed_, begin, end, result);
  if (last) {
    finish(result);
    macs_ += static_cast<std::int64_t>(installed_.count) * lanes_;
  }
  return true;
}

bool MatrixPlane::accumulate(std::int64_t cycle, int slot_index, bool adds, int begin, int end,
                             std::uint8_t* const* planes) {
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
  for (int n = begin; n < end; ++n) {
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
  if (end == lanes_) {
    slot.whole_numbers = found->whole_numbers;
    results_.erase(found);
  }
  return true;
}

}  // namespace memwall
