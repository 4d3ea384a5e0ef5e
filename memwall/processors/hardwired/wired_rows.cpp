#include "memwall/processors/hardwired/wired_rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace memwall {
namespace {

// The nearest value of an alphabet of whole numbers. Midpoints between whole numbers are multiples of 1/2, so
// a table of half steps is exact but for numbers that are midpoints themselves: those go up.
class NearestValue {
 public:
  explicit NearestValue(std::span<const std::int32_t> alphabet)
      : low_(alphabet.front()), high_(alphabet.back()) {
    for (std::int32_t half = 2 * low_; half <= 2 * high_; ++half) {
      const double middle = half / 2.0 + 0.25;  // of the half step
      std::size_t best = 0;
      for (std::size_t code = 1; code < alphabet.size(); ++code) {
        if (std::abs(alphabet[code] - middle) < std::abs(alphabet[best] - middle)) {
          best = code;
        }
      }
      table_.push_back(static_cast<std::uint8_t>(best));
    }
  }
  std::uint8_t code(float number) const {
    const float inside = std::clamp(number, static_cast<float>(low_), static_cast<float>(high_));
    return table_[static_cast<std::size_t>(static_cast<std::int32_t>(std::floor(2 * inside)) - 2 * low_)];
  }

 private:
  std::int32_t low_, high_;
  std::vector<std::uint8_t> table_;  // [half steps from 2 * low_]
};

// Scales to try, as fractions of the one at which the largest weight is the largest value: clipping a few
// large weights can serve the many small ones.
constexpr std::array kClips = {1.0f, 0.9f, 0.8f, 0.7f, 0.6f, 0.5f};

class RowFolder {
 public:
  explicit RowFolder(std::span<const std::int32_t> alphabet) : alphabet_(alphabet), nearest_(alphabet) {}

  // Codes of the best scale; returns its squared error.
  double fold(std::span<const float> row, RowNeuron& neuron) {
    float magnitude = 0;
    for (const float weight : row) {
      magnitude = std::max(magnitude, std::isfinite(weight) ? std::abs(weight) : 0.0f);
    }
    const auto largest = static_cast<float>(std::max(-alphabet_.front(), alphabet_.back()));
    double least = std::numeric_limits<double>::infinity();
    for (const float clip : kClips) {
      const float wanted = magnitude / largest * clip;
      const float scale = wanted > 0 ? wanted : 1.0f;  // all zero, or too small for a float
      const double error = round_to(row, scale);
      if (error < least) {
        least = error;
        neuron.scale = scale;
        best_.swap(tried_);
      }
    }
    neuron.values = alphabet_;
    neuron.codes = best_;
    return least;
  }

 private:
  double round_to(std::span<const float> row, float scale) {
    tried_.resize(row.size());
    double error = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const float weight = std::isfinite(row[i]) ? row[i] : 0.0f;  // damaged files
      tried_[i] = nearest_.code(weight / scale);
      const double missed = static_cast<double>(weight) -
                            static_cast<double>(scale) * static_cast<double>(alphabet_[tried_[i]]);
      error += missed * missed;
    }
    return error;
  }

  std::span<const std::int32_t> alphabet_;
  NearestValue nearest_;
  std::vector<std::uint8_t> tried_, best_;
};

double squares(std::span<const float> row) {
  double sum = 0;
  for (const float weight : row) {
    sum += std::isfinite(weight) ? static_cast<double>(weight) * static_cast<double>(weight) : 0.0;
  }
  return sum;
}

RowError fold_rows(const CodedRows& rows, std::span<const std::int32_t> alphabet,
                   const std::function<void(const RowNeuron&)>& visit) {
  RowError error;
  RowFolder folder(alphabet);
  for (std::int64_t row = 0; row < rows.rows; ++row) {
    const std::vector<float> weights = rows.row_values(row);
    RowNeuron neuron;
    neuron.row = row;
    error.squared_error += folder.fold(weights, neuron);
    error.squared += squares(weights);
    visit(neuron);
  }
  return error;
}

std::vector<std::int32_t> range(std::int32_t low, std::int32_t high) {
  std::vector<std::int32_t> values;
  for (std::int32_t value = low; value <= high; ++value) {
    values.push_back(value);
  }
  return values;
}

void block_neurons(const CodedRows& rows, const std::function<void(const RowNeuron&)>& visit) {
  constexpr int kHalfBits = 4;
  const bool halves = rows.code_bits > kHalfBits;
  const std::vector<std::int32_t> whole(rows.alphabet.begin(), rows.alphabet.end());
  const std::vector<std::int32_t> lower = range(0, 15), upper = range(-8, 7);
  const auto block = static_cast<std::size_t>(rows.block);
  std::vector<std::uint8_t> codes(block);
  const std::int64_t blocks = rows.inputs / rows.block;
  for (std::int64_t of_all = 0; of_all < rows.rows * blocks; ++of_all) {
    const auto at = static_cast<std::size_t>(of_all);
    const std::span<const std::int8_t> file_codes(rows.codes.data() + at * block, block);
    RowNeuron neuron{of_all / blocks, of_all % blocks * rows.block, 0, rows.scales[at], 0, whole, codes};
    neuron.minimum = rows.minimums.empty() ? 0 : rows.minimums[at];
    if (!halves) {
      std::transform(file_codes.begin(), file_codes.end(), codes.begin(), [&](std::int8_t code) {
        return static_cast<std::uint8_t>(std::lower_bound(whole.begin(), whole.end(), code) - whole.begin());
      });
      visit(neuron);
      continue;
    }
    std::transform(file_codes.begin(), file_codes.end(), codes.begin(),
                   [](std::int8_t code) { return static_cast<std::uint8_t>(code & 15); });
    neuron.values = lower;
    visit(neuron);
    std::transform(file_codes.begin(), file_codes.end(), codes.begin(),
                   [](std::int8_t code) { return static_cast<std::uint8_t>((code >> 4) + 8); });
    neuron.values = upper;
    neuron.place = kHalfBits;
    neuron.minimum = 0;  // once per block
    visit(neuron);
  }
}

}  // namespace

RowError for_each_neuron(const CodedRows& rows, ScalePolicy policy, std::span<const std::int32_t> alphabet,
                         const std::function<void(const RowNeuron&)>& visit) {
  if (policy == ScalePolicy::neuron) {
    return fold_rows(rows, alphabet, visit);
  }
  if (rows.has_codes()) {
    block_neurons(rows, visit);
    return {};
  }
  constexpr std::int64_t kBlock = 32;
  constexpr int kCodeBits = 8;
  const CodedRows coded = quantise_rows(rows, rows.inputs % kBlock == 0 ? kBlock : rows.inputs, kCodeBits);
  RowError error;
  for (std::int64_t row = 0; row < rows.rows; ++row) {
    const std::vector<float> file = rows.row_values(row), wired = coded.row_values(row);
    for (std::size_t i = 0; i < file.size(); ++i) {
      const double missed =
          std::isfinite(file[i]) ? static_cast<double>(file[i]) - static_cast<double>(wired[i]) : 0.0;
      error.squared_error += missed * missed;
    }
    error.squared += squares(file);
  }
  block_neurons(coded, visit);
  return error;
}

}  // namespace memwall
