// Every processor family that exists, by name. A card's `family:` is looked up here.
#include "memwall/processors/processor.h"

namespace memwall {

void register_builtin_processors(ProcessorRegistry&) {}

}  // namespace memwall
