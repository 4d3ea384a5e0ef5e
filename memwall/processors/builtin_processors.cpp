// Every processor family that exists, by name. A card's `family:` is looked up here.
#include "memwall/processors/dimc/dimc.h"
#include "memwall/processors/gpu/gpu_processor.h"
#include "memwall/processors/hardwired/hardwired.h"
#include "memwall/processors/lpu/lpu.h"
#include "memwall/processors/processor.h"
#include "memwall/processors/systolic/systolic.h"
#include "memwall/processors/transformer_asic/transformer_asic.h"
#include "memwall/processors/wafer/wafer.h"

namespace memwall {

void register_builtin_processors(ProcessorRegistry& processors) {
  processors.add("gpu", "tensor cores, HBM, scale-up links", make_gpu);
  processors.add("lpu", "weights in SRAM, every cycle scheduled by the compiler", make_lpu);
  processors.add("wafer", "weights in the SRAM of cores on a wafer-wide mesh", make_wafer);
  processors.add("systolic", "systolic arrays, whole or split into slabs", make_systolic);
  processors.add("dimc", "compute in the memory cells, weights reloaded beside compute", make_dimc);
  processors.add("transformer_asic", "a fixed transformer graph over big arrays, no instructions",
                 make_transformer_asic);
  processors.add("hardwired", "weights as wiring, tokens through a spatial pipeline", make_hardwired);
}

}  // namespace memwall
