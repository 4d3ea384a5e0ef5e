// Every processor family that exists, by name. A card's `family:` is looked up here.
#include "memwall/processors/gpu/gpu_processor.h"
#include "memwall/processors/hardwired/hardwired.h"
#include "memwall/processors/processor.h"
#include "memwall/processors/wafer/wafer.h"

namespace memwall {

void register_builtin_processors(ProcessorRegistry& processors) {
  processors.add("gpu", "tensor cores, HBM, scale-up links", make_gpu);
  processors.add("hardwired", "weights as wiring, tokens through a spatial pipeline", make_hardwired);
  processors.add("wafer", "weights in the SRAM of cores on a wafer-wide mesh", make_wafer);
}

}  // namespace memwall
