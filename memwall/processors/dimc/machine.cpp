#include "memwall/processors/dimc/machine.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace memwall {
namespace {

constexpr int kWord = 64;

std::int64_t ceil_div(std::int64_t amount, std::int64_t parts) { return (amount + parts - 1) / parts; }
int round_up(int value, int unit) { return static_cast<int>(ceil_div(value, unit)) * unit; }

// The low `width` bits of a value in two's complement.
std::uint64_t bits_of(std::int64_t value, int width) {
  const auto bits = static_cast<std::uint64_t>(value);
  return width >= kWord ? bits : bits & ((std::uint64_t{1} << width) - 1);
}

int flips(std::int64_t before, std::int64_t after, int width) {
  return std::popcount(bits_of(before ^ after, width));
}

[[maybe_unused]] bool fits(std::span<const std::int32_t> values, int width) {
  const std::int64_t limit = std::int64_t{1} << (width - 1);
  return std::all_of(values.begin(), values.end(),
                     [&](std::int32_t value) { return value >= -limit && value < limit; });
}

// The bits of one weight set: a weight per row and column, and each column's bit planes over the rows.
class WeightSet {
 public:
  WeightSet(const CoreShape& core, int weight_bits)
      : columns_(core.columns(weight_bits)),
        weight_bits_(weight_bits),
        words_(static_cast<int>(ceil_div(core.inputs, kWord))),
        weights_(static_cast<std::size_t>(core.inputs) * columns_),
        planes_(static_cast<std::size_t>(columns_) * weight_bits * words_) {}

  std::int32_t at(int row, int column) const {
    return weights_[static_cast<std::size_t>(row) * columns_ + column];
  }
  std::uint64_t plane(int column, int bit, int word) const {
    return planes_[(static_cast<std::size_t>(column) * weight_bits_ + bit) * words_ + word];
  }
  // Returns the bits that changed.
  int write(int row, int column, std::int32_t value) {
    std::int32_t& cell = weights_[static_cast<std::size_t>(row) * columns_ + column];
    const int changed = flips(cell, value, weight_bits_);
    cell = value;
    for (int bit = 0; bit < weight_bits_; ++bit) {
      std::uint64_t& word =
          planes_[(static_cast<std::size_t>(column) * weight_bits_ + bit) * words_ + row / kWord];
      const std::uint64_t mask = std::uint64_t{1} << (row % kWord);
      word = ((value >> bit) & 1) != 0 ? word | mask : word & ~mask;
    }
    return changed;
  }

 private:
  int columns_, weight_bits_, words_;
  std::vector<std::int32_t> weights_;
  std::vector<std::uint64_t> planes_;
};

struct Tile {
  int row = 0, column = 0;    // of the matrix, where the tile begins
  int rows = 0, columns = 0;  // of the matrix in this tile
};

// One run: state of the cells, of the nodes that toggles are counted at, and of the results.
class Run {
 public:
  Run(const CoreShape& core, int weight_bits, int activation_bits, std::span<const std::int32_t> x,
      std::span<const std::int32_t> w, int m, int k, int n, CoreMachine::Detail detail)
      : core_(core),
        weight_bits_(weight_bits),
        slices_(static_cast<int>(product_cycles(core, activation_bits))),
        columns_(core.columns(weight_bits)),
        accumulator_bits_(weight_bits + activation_bits +
                          static_cast<int>(std::bit_width(static_cast<unsigned>(core.inputs)))),
        x_(x),
        w_(w),
        m_(m),
        k_(k),
        n_(n),
        detail_(detail),
        sets_(static_cast<std::size_t>(core.weight_sets), WeightSet(core, weight_bits)),
        lines_(static_cast<std::size_t>(core.inputs), 0),
        sums_(static_cast<std::size_t>(columns_) * blocks_per_tile(), 0) {
    for (int column = 0; column < n; column += columns_) {
      for (int row = 0; row < k; row += core.inputs) {
        tiles_.push_back({row, column, std::min(core.inputs, k - row), std::min(columns_, n - column)});
      }
    }
    result_.blocks = ceil_div(k, core.block_inputs);
    result_.block_sums.assign(static_cast<std::size_t>(m) * n * result_.blocks, 0);
    if (detail == CoreMachine::Detail::toggles) {
      nodes_.assign(static_cast<std::size_t>(columns_) * core.bits_per_cycle * kNodesPerInput * core.inputs,
                    0);
    }
  }

  CoreResult go(const std::vector<TileTimes>& schedule) {
    assert(schedule.size() == tiles_.size());
    const std::int64_t last = schedule.back().compute_end;
    std::size_t loading = 0, computing = 0;
    for (std::int64_t cycle = 0; cycle < last; ++cycle) {
      while (computing < schedule.size() && cycle >= schedule[computing].compute_end) {
        ++computing;
      }
      if (computing < schedule.size() && cycle >= schedule[computing].compute_begin) {
        compute(computing, cycle - schedule[computing].compute_begin);
      }
      while (loading < schedule.size() && cycle >= schedule[loading].reload_begin + reload_cycles(core_)) {
        ++loading;
      }
      if (loading < schedule.size() && cycle >= schedule[loading].reload_begin) {
        reload(loading, cycle - schedule[loading].reload_begin);
      }
    }
    result_.cycles = last + core_.pipeline_cycles;
    result_.y.assign(static_cast<std::size_t>(m_) * n_, 0);
    for (std::size_t i = 0; i < result_.y.size(); ++i) {
      for (std::int64_t block = 0; block < result_.blocks; ++block) {
        result_.y[i] += result_.block_sums[i * result_.blocks + block];
      }
    }
    return std::move(result_);
  }

 private:
  static constexpr int kNodesPerInput = 2;  // products, and at most as many sums above them

  int blocks_per_tile() const { return core_.inputs / core_.block_inputs; }

  // The rows whose last byte arrives in this cycle of the reload.
  void reload(std::size_t index, std::int64_t cycle) {
    constexpr std::int64_t kBitsPerByte = 8;
    const std::int64_t per_cycle = kBitsPerByte * core_.reload_bytes_per_cycle;
    const auto rows_by = [&](std::int64_t cycles) {
      return static_cast<int>(std::min<std::int64_t>(core_.inputs, cycles * per_cycle / core_.column_bits));
    };
    const int end = cycle + 1 == reload_cycles(core_) ? core_.inputs : rows_by(cycle + 1);
    const Tile& tile = tiles_[index];
    WeightSet& set = sets_[index % sets_.size()];
    for (int row = rows_by(cycle); row < end; ++row) {
      for (int column = 0; column < columns_; ++column) {
        const bool inside = row < tile.rows && column < tile.columns;
        const std::size_t at = static_cast<std::size_t>(tile.row + row) * n_ + tile.column + column;
        result_.toggles.cells += set.write(row, column, inside ? w_[at] : 0);
      }
    }
  }

  void compute(std::size_t index, std::int64_t cycle) {
    const Tile& tile = tiles_[index];
    const int vector = static_cast<int>(cycle / slices_), slice = static_cast<int>(cycle % slices_);
    const int rows = round_up(tile.rows, core_.block_inputs);
    const int columns = std::min(columns_, round_up(tile.columns, core_.bank_columns));
    if (slice == 0) {
      clear(columns);
    }
    for (int bit = 0; bit < core_.bits_per_cycle; ++bit) {
      broadcast(tile, vector, slice, bit, rows);
      for (int column = 0; column < columns; ++column) {
        add_column(sets_[index % sets_.size()], column, slice, bit, rows);
      }
    }
    if (slice + 1 == slices_) {
      retire(tile, vector);
    }
  }

  void clear(int columns) {
    for (int column = 0; column < columns; ++column) {
      for (int block = 0; block < blocks_per_tile(); ++block) {
        std::int64_t& sum = sums_[static_cast<std::size_t>(column) * blocks_per_tile() + block];
        count_accumulator(sum, 0);
        sum = 0;
      }
    }
  }

  void count_accumulator(std::int64_t before, std::int64_t after) {
    if (detail_ == CoreMachine::Detail::toggles) {
      result_.toggles.accumulators += flips(before, after, accumulator_bits_);
    }
  }

  // The place of a bit in the activation, extended by its sign to whole slices.
  int place(int slice, int bit) const { return (slices_ - slice) * core_.bits_per_cycle - 1 - bit; }

  void broadcast(const Tile& tile, int vector, int slice, int bit, int rows) {
    words_.assign(static_cast<std::size_t>(ceil_div(core_.inputs, kWord)), 0);
    for (int row = 0; row < core_.inputs; ++row) {
      const bool inside = row < tile.rows;
      const std::int32_t value = inside ? x_[static_cast<std::size_t>(vector) * k_ + tile.row + row] : 0;
      const auto on = static_cast<std::uint64_t>((value >> std::min(place(slice, bit), 31)) & 1);
      words_[static_cast<std::size_t>(row / kWord)] |= on << (row % kWord);
      if (row < rows && lines_[static_cast<std::size_t>(row)] != on) {
        lines_[static_cast<std::size_t>(row)] = static_cast<std::uint8_t>(on);
        if (detail_ == CoreMachine::Detail::toggles) {
          ++result_.toggles.input_lines;
        }
      }
    }
  }

  void add_column(const WeightSet& set, int column, int slice, int bit, int rows) {
    const bool is_sign = slice == 0 && bit == 0;
    const int weight = core_.bits_per_cycle - 1 - bit;  // of this bit within its slice
    for (int block = 0; block * core_.block_inputs < rows; ++block) {
      const std::int64_t counted = detail_ == CoreMachine::Detail::toggles ? tree_sum(set, column, bit, block)
                                                                           : counted_sum(set, column, block);
      std::int64_t& sum = sums_[static_cast<std::size_t>(column) * blocks_per_tile() + block];
      const std::int64_t shifted = bit == 0 ? sum * (std::int64_t{1} << core_.bits_per_cycle) : sum;
      const std::int64_t next = shifted + (is_sign ? -counted : counted) * (std::int64_t{1} << weight);
      count_accumulator(sum, next);
      sum = next;
    }
  }

  // Sum of a block's products: ones of each plane, weighted by the plane.
  std::int64_t counted_sum(const WeightSet& set, int column, int block) const {
    const int first = block * core_.block_inputs, end = first + core_.block_inputs;
    std::int64_t sum = 0;
    for (int bit = 0; bit < weight_bits_; ++bit) {
      int ones = 0;
      for (int row = first; row < end;) {
        const int in_word = std::min(end - row, kWord - row % kWord);
        const std::uint64_t mask = bits_of(-1, in_word) << (row % kWord);
        const int word = row / kWord;
        ones += std::popcount(set.plane(column, bit, word) & words_[static_cast<std::size_t>(word)] & mask);
        row += in_word;
      }
      const std::int64_t value = std::int64_t{ones} << bit;
      sum += bit + 1 == weight_bits_ ? -value : value;
    }
    return sum;
  }

  // The same, adder by adder, counting what each output changes.
  std::int64_t tree_sum(const WeightSet& set, int column, int bit, int block) {
    const int width = core_.block_inputs;
    std::int64_t* node =
        &nodes_[((static_cast<std::size_t>(column) * core_.bits_per_cycle + bit) * core_.inputs +
                 static_cast<std::size_t>(block) * width) *
                kNodesPerInput];
    level_.resize(static_cast<std::size_t>(width));
    for (int i = 0; i < width; ++i) {
      const int row = block * width + i;
      const bool on = ((words_[static_cast<std::size_t>(row / kWord)] >> (row % kWord)) & 1) != 0;
      level_[static_cast<std::size_t>(i)] = on ? set.at(row, column) : 0;
      result_.toggles.products += flips(*node, level_[static_cast<std::size_t>(i)], weight_bits_);
      *node++ = level_[static_cast<std::size_t>(i)];
    }
    for (int bits = weight_bits_ + 1; level_.size() > 1; ++bits) {
      std::size_t out = 0;
      for (std::size_t i = 0; i < level_.size(); i += 2) {
        const std::int64_t sum = level_[i] + (i + 1 < level_.size() ? level_[i + 1] : 0);
        result_.toggles.tree += flips(*node, sum, bits);
        *node++ = sum;
        level_[out++] = sum;
      }
      level_.resize(out);
    }
    return level_.front();
  }

  void retire(const Tile& tile, int vector) {
    const int first = tile.row / core_.block_inputs;
    for (int column = 0; column < tile.columns; ++column) {
      const std::size_t at = static_cast<std::size_t>(vector) * n_ + tile.column + column;
      for (int block = 0; block * core_.block_inputs < tile.rows; ++block) {
        result_.block_sums[at * result_.blocks + first + block] =
            sums_[static_cast<std::size_t>(column) * blocks_per_tile() + block];
      }
    }
  }

  const CoreShape& core_;
  int weight_bits_, slices_, columns_, accumulator_bits_;
  std::span<const std::int32_t> x_, w_;
  int m_, k_, n_;
  CoreMachine::Detail detail_;
  std::vector<Tile> tiles_;
  std::vector<WeightSet> sets_;
  std::vector<std::uint8_t> lines_;   // bits last broadcast
  std::vector<std::uint64_t> words_;  // bits now broadcast
  std::vector<std::int64_t> sums_;    // [column, block], accumulators
  std::vector<std::int64_t> nodes_;   // outputs of cells and adders, last cycle
  std::vector<std::int64_t> level_;
  CoreResult result_;
};

}  // namespace

CoreMachine::CoreMachine(const CoreShape& core, int weight_bits, int activation_bits)
    : core_(core), weight_bits_(weight_bits), activation_bits_(activation_bits) {
  assert(core.column_bits % weight_bits == 0 && core.inputs % core.block_inputs == 0);
}

std::int64_t CoreMachine::tiles(int k, int n) const {
  return ceil_div(k, core_.inputs) * ceil_div(n, core_.columns(weight_bits_));
}

CoreResult CoreMachine::multiply(std::span<const std::int32_t> x, std::span<const std::int32_t> w, int m,
                                 int k, int n, Detail detail) const {
  return run(plan_stream(core_, tiles(k, n), m, activation_bits_), x, w, m, k, n, detail);
}

CoreResult CoreMachine::run(const std::vector<TileTimes>& schedule, std::span<const std::int32_t> x,
                            std::span<const std::int32_t> w, int m, int k, int n, Detail detail) const {
  assert(std::ssize(x) == std::int64_t{m} * k && std::ssize(w) == std::int64_t{k} * n);
  assert(fits(x, activation_bits_) && fits(w, weight_bits_));
  return Run(core_, weight_bits_, activation_bits_, x, w, m, k, n, detail).go(schedule);
}

}  // namespace memwall
