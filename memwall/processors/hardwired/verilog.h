// verilog.h - a few hardwired neurons as SystemVerilog: the RTL twin of the neuron machine.
//
//   module NAME(input clock, first, last, input [inputs - 1:0] x, output signed [...] y0, y1, ...)
//
// x holds one bit of every input, lowest bit first; `first` is high with the first bit, `last` with the sign
// bit. y_n is final WiredMachine::cycles(bits) rising edges after the first bit was put on x, that edge
// included. Counters are full and half adders by instance, one tree per region; the rest is arithmetic on
// registers.
#pragma once

#include <string>

#include "memwall/processors/hardwired/coded_weights.h"

namespace memwall {

// `module` is an identifier, `title` one line for the comment on top.
std::string neuron_verilog(const CodedWeights& weights, int bits, const std::string& module,
                           const std::string& title);

}  // namespace memwall
