#include "memwall/serving/open_system.h"

#include <algorithm>
#include <vector>

#include "memwall/core/error.h"
#include "memwall/core/names.h"
#include "memwall/serving/paired_processor.h"

namespace memwall {
namespace {

std::unique_ptr<Processor> processor_of(const Chip& chip, const ProcessorRegistry& processors) {
  std::vector<std::string> families;
  for (const ProcessorRegistry::Entry& entry : processors.list()) {
    if (entry.name == chip.family) {
      return entry.make();
    }
    families.push_back(entry.name);
  }
  throw ConfigError(Location{chip.file, 0, 0}, "family", quoted(chip.family),
                    suggest_names(chip.family, families));
}

const Chip& chip_with(const System& system, PoolRole role) {
  return std::find_if(system.pools.begin(), system.pools.end(),
                      [role](const Pool& pool) { return pool.role == role; })
      ->chip;
}

}  // namespace

OpenSystem open_system(const std::string& name_or_path, const ProcessorRegistry& processors) {
  OpenSystem open;
  open.system = read_system(name_or_path);
  open.processor =
      is_paired(open.system)
          ? make_paired_processor(processor_of(chip_with(open.system, PoolRole::attention), processors),
                                  processor_of(chip_with(open.system, PoolRole::ffn), processors))
          : processor_of(open.system.chip(), processors);
  open.processor->check(open.system);
  return open;
}

}  // namespace memwall
