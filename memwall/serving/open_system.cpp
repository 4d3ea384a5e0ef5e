#include "memwall/serving/open_system.h"

#include <vector>

#include "memwall/core/error.h"
#include "memwall/core/names.h"

namespace memwall {

OpenSystem open_system(const std::string& name_or_path, const ProcessorRegistry& processors) {
  OpenSystem open;
  open.system = read_system(name_or_path);
  const Chip& chip = open.system.chip();
  std::vector<std::string> families;
  for (const ProcessorRegistry::Entry& entry : processors.list()) {
    if (entry.name == chip.family) {
      open.processor = entry.make();
    }
    families.push_back(entry.name);
  }
  if (open.processor == nullptr) {
    throw ConfigError(Location{chip.file, 0, 0}, "family", quoted(chip.family),
                      suggest_names(chip.family, families));
  }
  open.processor->check(open.system);
  return open;
}

}  // namespace memwall
