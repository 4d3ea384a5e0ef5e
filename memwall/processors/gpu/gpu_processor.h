// gpu_processor.h - the `gpu` family: weights in HBM, kernels launched one after another.
#pragma once

#include <memory>

#include "memwall/processors/processor.h"

namespace memwall {

std::unique_ptr<Processor> make_gpu();

}  // namespace memwall
