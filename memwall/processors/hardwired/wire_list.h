// wire_list.h - the connections of a tensor's neurons as text, for a placement tool and for reading.
//
//   memwall wires 1
//   tensor blk.0.attn_q.weight, 576 rows of 576 inputs
//   neuron 0 scale 0.0123                     one line per neuron: its row, and where they are not 0 `input`
//   (the -12: 4 17 220                             first), `place` and `minimum`; then one line per region in
//   use, its -8: 31                                    value and the inputs that are wired to it
//
// Zeros have no wire. README.md has the meaning of the numbers: result = 2^place * (scale * sum + minimum *
// sum of the neuron's inputs).
#pragma once

#include <ostream>
#include <string>

#include "memwall/processors/hardwired/wired_rows.h"

namespace memwall {

class WireListWriter {
 public:
  WireListWriter(std::ostream& out, const WeightTensor& tensor);
  void write(const RowNeuron& neuron);

 private:
  std::ostream& out_;
  std::vector<std::vector<std::int64_t>> regions_;  // [value]: inputs
  std::string text_;
};

}  // namespace memwall
