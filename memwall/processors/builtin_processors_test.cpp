// Every card that ships reads, belongs to a family that exists, and has what that family asks for.
#include <gtest/gtest.h>

#include "memwall/core/data_files.h"
#include "memwall/processors/processor.h"

namespace memwall {
namespace {

ProcessorRegistry builtin_processors() {
  ProcessorRegistry processors("processor family");
  register_builtin_processors(processors);
  return processors;
}

// Pools of several kinds of chips are each a system of their own to a family.
void check(const ProcessorRegistry& processors, const System& system) {
  for (const Pool& pool : system.pools) {
    System alone = system;
    alone.pools = {pool};
    if (system.pools.size() > 1) {
      alone.facts.facts.clear();
      alone.pools.front().role = PoolRole::everything;
    }
    processors.find(pool.chip.family).make()->check(alone);
  }
}

TEST(BuiltinProcessors, EverySystemCardPassesItsFamilysCheck) {
  const ProcessorRegistry processors = builtin_processors();
  for (const std::string& name : card_names("systems")) {
    EXPECT_NO_THROW(check(processors, read_system(name))) << name;
  }
}

TEST(BuiltinProcessors, EveryChipCardIsASystemOfOne) {
  const ProcessorRegistry processors = builtin_processors();
  for (const std::string& name : card_names("chips")) {
    EXPECT_NO_THROW(read_chip(name)) << name;
    EXPECT_FALSE(read_chip(name).facts.empty()) << name;
    EXPECT_NO_THROW(processors.find(read_chip(name).family)) << name;
  }
}

TEST(BuiltinProcessors, EveryFamilyHasACardAndAReadme) {
  const ProcessorRegistry processors = builtin_processors();
  for (const ProcessorRegistry::Entry& family : processors.list()) {
    bool has_card = false;
    for (const std::string& name : card_names("chips")) {
      has_card = has_card || read_chip(name).family == family.name;
    }
    EXPECT_TRUE(has_card) << family.name;
    const std::filesystem::path readme =
        std::filesystem::path(MEMWALL_SOURCE_DIR) / "memwall/processors" / family.name / "README.md";
    EXPECT_TRUE(std::filesystem::exists(readme)) << readme;
  }
}

}  // namespace
}  // namespace memwall
