// attention_parts.h - what the attention kernels have in common.
#pragma once

#include <cmath>

#include "memwall/processors/gpu/attention_kernel.h"

namespace memwall {

inline constexpr double kActivationBytes = 2;
inline constexpr double kKeyWidth = 128;  // values of the keys that clocks per key are stated for

double kv_bytes_per_key(const AttentionShape& shape);
inline bool has_8bit_cache(const AttentionShape& shape) { return info(shape.kv).bits <= 8; }

inline double next_power_of_two(double value) { return std::exp2(std::ceil(std::log2(value))); }

// Prefill multiplies in fp8 where the cache holds it and the chip can.
bool multiplies_fp8(const GpuSpec& spec, const AttentionShape& shape);

// Share of `bytes`, read over and over, that L2 does not hold when it is asked again. Falls from 1 to 0
// within a factor of two around what L2 keeps.
double missed_share(const GpuSpec& spec, double bytes, double operand_sets);

// Lets `cost` take `seconds` beside its start: what its resources need less is stall.
void last(const GpuSpec& spec, double seconds, KernelCost& cost);

// Seconds of `clocks` of an SM.
inline double sm_seconds(const GpuSpec& spec, double clocks) { return clocks / spec.clock.value; }

KernelCost grouped_decode_cost(const GpuSpec& spec, const AttentionShape& shape, const AttentionBatch& batch);
KernelCost latent_decode_cost(const GpuSpec& spec, const AttentionShape& shape, const AttentionBatch& batch);

}  // namespace memwall
