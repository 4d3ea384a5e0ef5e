#include "memwall/tensor/reference.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

namespace memwall::reference {
namespace {

std::size_t size(int rows, int columns) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
}

template <class Sum, class Out, class In>
std::vector<Out> product(std::span<const In> x, std::span<const In> w, int m, int k, int n) {
  assert(x.size() == size(m, k) && w.size() == size(k, n));
  std::vector<Out> y(size(m, n));
  for (int row = 0; row < m; ++row) {
    for (int column = 0; column < n; ++column) {
      Sum sum = 0;
      for (int i = 0; i < k; ++i) {
        sum += static_cast<Sum>(x[size(row, k) + static_cast<std::size_t>(i)]) *
               static_cast<Sum>(w[size(i, n) + static_cast<std::size_t>(column)]);
      }
      y[size(row, n) + static_cast<std::size_t>(column)] = static_cast<Out>(sum);
    }
  }
  return y;
}

template <class Function>
std::vector<float> each(std::span<const float> x, Function&& function) {
  std::vector<float> y;
  y.reserve(x.size());
  for (const float value : x) {
    y.push_back(static_cast<float>(function(static_cast<double>(value))));
  }
  return y;
}

double mean_of(std::span<const float> x, auto&& function) {
  double sum = 0;
  for (const float value : x) {
    sum += function(static_cast<double>(value));
  }
  return sum / static_cast<double>(x.size());
}

std::vector<double> softmax_of(const std::vector<double>& x) {
  const double top = *std::max_element(x.begin(), x.end());
  std::vector<double> y;
  double sum = 0;
  for (const double value : x) {
    y.push_back(std::exp(value - top));
    sum += y.back();
  }
  for (double& value : y) {
    value /= sum;
  }
  return y;
}

}  // namespace

std::vector<float> matmul(std::span<const float> x, std::span<const float> w, int m, int k, int n) {
  return product<double, float>(x, w, m, k, n);
}
std::vector<std::int64_t> matmul(std::span<const std::int32_t> x, std::span<const std::int32_t> w, int m,
                                 int k, int n) {
  return product<std::int64_t, std::int64_t>(x, w, m, k, n);
}

std::vector<float> rms_norm(std::span<const float> x, std::span<const float> gain, float epsilon) {
  assert(x.size() == gain.size());
  const double scale = 1 / std::sqrt(mean_of(x, [](double value) { return value * value; }) + epsilon);
  std::vector<float> y;
  for (std::size_t i = 0; i < x.size(); ++i) {
    y.push_back(static_cast<float>(x[i] * scale * gain[i]));
  }
  return y;
}

std::vector<float> layer_norm(std::span<const float> x, std::span<const float> gain,
                              std::span<const float> bias, float epsilon) {
  assert(x.size() == gain.size() && x.size() == bias.size());
  const double mean = mean_of(x, [](double value) { return value; });
  const double variance = mean_of(x, [&](double value) { return (value - mean) * (value - mean); });
  std::vector<float> y;
  for (std::size_t i = 0; i < x.size(); ++i) {
    y.push_back(static_cast<float>((x[i] - mean) / std::sqrt(variance + epsilon) * gain[i] + bias[i]));
  }
  return y;
}

std::vector<float> softmax(std::span<const float> x) {
  const std::vector<double> y = softmax_of({x.begin(), x.end()});
  return {y.begin(), y.end()};
}

std::vector<float> silu(std::span<const float> x) {
  return each(x, [](double value) { return value / (1 + std::exp(-value)); });
}
std::vector<float> gelu(std::span<const float> x) {
  return each(x, [](double value) { return 0.5 * value * (1 + std::erf(value / std::numbers::sqrt2)); });
}

std::vector<float> rope(std::span<const float> x, std::int64_t position, double base) {
  assert(x.size() % 2 == 0);
  const std::size_t half = x.size() / 2;
  std::vector<float> y(x.size());
  for (std::size_t i = 0; i < half; ++i) {
    const double angle =
        static_cast<double>(position) * std::pow(base, -static_cast<double>(i) / static_cast<double>(half));
    y[i] = static_cast<float>(x[i] * std::cos(angle) - x[i + half] * std::sin(angle));
    y[i + half] = static_cast<float>(x[i] * std::sin(angle) + x[i + half] * std::cos(angle));
  }
  return y;
}

std::vector<float> attention(std::span<const float> query, std::span<const float> keys,
                             std::span<const float> values, int length, int d) {
  assert(query.size() == size(1, d) && keys.size() == size(length, d) && values.size() == keys.size());
  std::vector<double> scores;
  for (int row = 0; row < length; ++row) {
    double sum = 0;
    for (std::size_t i = 0; i < query.size(); ++i) {
      sum += static_cast<double>(query[i]) * static_cast<double>(keys[size(row, d) + i]);
    }
    scores.push_back(sum / std::sqrt(static_cast<double>(d)));
  }
  const std::vector<double> weights = softmax_of(scores);
  std::vector<float> y;
  for (std::size_t i = 0; i < query.size(); ++i) {
    double sum = 0;
    for (int row = 0; row < length; ++row) {
      sum += weights[static_cast<std::size_t>(row)] * static_cast<double>(values[size(row, d) + i]);
    }
    y.push_back(static_cast<float>(sum));
  }
  return y;
}

}  // namespace memwall::reference
