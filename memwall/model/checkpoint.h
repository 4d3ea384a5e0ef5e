// checkpoint.h - whether the tensors of a safetensors checkpoint are those of the model that its config.json
// describes.
#pragma once

#include <vector>

#include "memwall/model/model.h"
#include "memwall/tensor/safetensors.h"

namespace memwall {

// Refuses an index that lacks tensors of one of the model's layers, or whose total_size is more than 1 % off
// the bytes of the model's weights (text models only; buffers beside the weights explain less).
void check_index(const SafetensorsIndex& index, const Model& model);

// Refuses tensors that do not add up to the model's parameters. Only for checkpoints that store values as
// they are, not packed with scales, and only when `headers` are all of its files.
void check_tensors(const std::vector<SafetensorsHeader>& headers, const Model& model);

}  // namespace memwall
