// reference.h - the operators of a decoder, written to be read: what every machine's numbers are held
// against.
//
// Row-major matrices in spans. Sums run in double, in index order; a result is rounded once, to float. Shapes
// are the caller's: sizes that do not match assert.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace memwall::reference {

// y[m, n] = x[m, k] * w[k, n].
std::vector<float> matmul(std::span<const float> x, std::span<const float> w, int m, int k, int n);
// The same on integers, exact: |x| and |w| up to 2^15 and k up to 2^32.
std::vector<std::int64_t> matmul(std::span<const std::int32_t> x, std::span<const std::int32_t> w, int m,
                                 int k, int n);

// x / sqrt(mean(x^2) + epsilon) * gain, over one vector.
std::vector<float> rms_norm(std::span<const float> x, std::span<const float> gain, float epsilon);
std::vector<float> layer_norm(std::span<const float> x, std::span<const float> gain,
                              std::span<const float> bias, float epsilon);
std::vector<float> softmax(std::span<const float> x);
// x * sigmoid(x), elementwise; the exact (erf) form of GELU.
std::vector<float> silu(std::span<const float> x);
std::vector<float> gelu(std::span<const float> x);

// Rotates pairs (i, i + d/2) of one head's vector of even length d by position * base^(-2i/d).
std::vector<float> rope(std::span<const float> x, std::int64_t position, double base);

// One query vector [d] of one head against keys [length, d] and values [length, d]: softmax(q K^T / sqrt(d))
// V.
std::vector<float> attention(std::span<const float> query, std::span<const float> keys,
                             std::span<const float> values, int length, int d);

}  // namespace memwall::reference
