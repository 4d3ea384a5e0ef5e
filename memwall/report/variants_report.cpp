#include "memwall/report/variants_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "memwall/core/unit_text.h"
#include "memwall/report/text_table.h"

namespace memwall {

std::string variants_table(const std::string& what, const std::string& system,
                           const std::vector<KernelVariant>& variants) {
  TextTable table({{"way"}, {"time", true}, {"utilization", true}, {"limited by"}});
  for (const KernelVariant& variant : variants) {
    table.add_row({variant.name, to_text(variant.time), percent_text(variant.utilization), variant.limit});
  }
  return fmt::format("{} on {}: {} ways, best first\n\n{}", what, system, variants.size(), table.text());
}

nlohmann::ordered_json variants_json(const std::string& what, const std::string& system,
                                     const std::vector<KernelVariant>& variants) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const KernelVariant& variant : variants) {
    list.push_back({{"name", variant.name},
                    {"time_s", variant.time.value},
                    {"utilization", variant.utilization},
                    {"limit", variant.limit}});
  }
  return {{"op", what}, {"system", system}, {"variants", std::move(list)}};
}

}  // namespace memwall
