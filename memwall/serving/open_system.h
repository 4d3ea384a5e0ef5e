// open_system.h - a system with the processor family that its chips belong to, checked and ready to run.
#pragma once

#include <memory>
#include <string>

#include "memwall/hardware/system.h"
#include "memwall/processors/processor.h"

namespace memwall {

struct OpenSystem {
  System system;
  std::unique_ptr<Processor> processor;
};

// By card name, path or "NxCHIP". Throws ConfigError for an unknown system or family and for whatever the
// family misses on the cards.
OpenSystem open_system(const std::string& name_or_path, const ProcessorRegistry& processors);

}  // namespace memwall
