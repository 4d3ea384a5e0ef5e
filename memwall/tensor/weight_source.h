// weight_source.h - the tensors of a model with their numbers, wherever they come from: a file, or a seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "memwall/tensor/coded_rows.h"

namespace memwall {

// Names are GGUF's: "blk.3.attn_q.weight".
struct WeightTensor {
  std::string name;
  std::vector<std::int64_t> dimensions;  // fastest first: (input width, output width) of a matrix
  std::string type;                      // "Q4_1"
  bool is_readable = true;               // rows() knows the type

  std::int64_t inputs() const { return dimensions.front(); }
  std::int64_t rows() const {
    std::int64_t rows = 1;
    for (std::size_t i = 1; i < dimensions.size(); ++i) {
      rows *= dimensions[i];
    }
    return rows;
  }
};

class WeightSource {
 public:
  virtual ~WeightSource() = default;
  virtual const std::string& name() const = 0;                   // of the file, or what was made
  virtual const std::vector<WeightTensor>& tensors() const = 0;  // in file order, names distinct
  // Rows [first, first + count) of a tensor. REQUIRES: is_readable, rows within the tensor. Throws
  // ConfigError for a file that can no longer be read.
  virtual CodedRows rows(std::size_t tensor, std::int64_t first, std::int64_t count) const = 0;
};

}  // namespace memwall
