#include "memwall/processors/processor.h"

#include "memwall/processors/harden.h"

namespace memwall {

std::unique_ptr<Hardener> Processor::open_hardener(const System&) const { return nullptr; }

}  // namespace memwall
