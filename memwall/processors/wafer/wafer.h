// wafer.h - the family of wafer-scale meshes: weights in the SRAM of cores on one mesh.
#pragma once

#include <memory>

#include "memwall/processors/processor.h"

namespace memwall {

std::unique_ptr<Processor> make_wafer();

}  // namespace memwall
