// misfits.h - what is in a weight file that a bank of hardwired neurons has no place for.
#pragma once

#include <string>
#include <vector>

#include "memwall/processors/harden.h"

namespace memwall {

enum class TensorRole {
  matrix,
  bias,    // added to a projection's outputs
  lookup,  // a table of which a token reads a row
  vector,  // norm gains, attention sinks
};
// By GGUF's names. The embedding is a matrix where no other one is the head.
TensorRole role_of(const WeightTensor& tensor, const WeightSource& source);

class MisfitCounts {
 public:
  MisfitCounts(const WeightSource& source, ScalePolicy policy) : source_(source), policy_(policy) {}

  // Throws ConfigError for a matrix whose type has no decoder.
  void add(const WeightTensor& tensor, TensorRole role);
  void add(const CodedRows& matrix_rows);
  // Kinds that occur. `error`: relative, of all matrices.
  std::vector<Misfit> list(double error) const;

 private:
  const WeightSource& source_;
  ScalePolicy policy_;
  std::int64_t scales_ = 0, minimums_ = 0, plain_ = 0, wide_codes_ = 0, other_alphabet_ = 0;
  std::int64_t biases_ = 0, looked_up_ = 0, vectors_ = 0, tied_ = 0;
};

}  // namespace memwall
