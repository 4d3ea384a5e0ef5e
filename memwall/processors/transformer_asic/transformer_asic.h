// transformer_asic.h - a chip that runs nothing but transformers: a fixed graph of operators over big
// weight-stationary arrays, without instructions.
#pragma once

#include <memory>

#include "memwall/processors/processor.h"

namespace memwall {

std::unique_ptr<Processor> make_transformer_asic();

}  // namespace memwall
