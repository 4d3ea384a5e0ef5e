// seeded_weights.h - weights made from a seed for a model that only has a card: its matrices with its shapes
// and formats, bell-shaped numbers in them. They stand in for a file; the model they belong to says nothing.
#pragma once

#include <cstdint>
#include <memory>

#include "memwall/model/model.h"
#include "memwall/tensor/weight_source.h"

namespace memwall {

// Matrices, biases and the embedding, named as in GGUF but for matrices that share their input, which stay
// one
// ("blk.0.qkv.weight"). Rows are made when asked for: any model's size will do. Throws ConfigError for a
// weight format without codes of 4 or 8 bits that is not a 16- or 32-bit one either.
std::unique_ptr<WeightSource> make_seeded_weights(const Model& model, std::uint64_t seed);

}  // namespace memwall
