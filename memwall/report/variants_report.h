// variants_report.h - the ways in which a chip can run one kernel, best first.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "memwall/processors/kernel_variant.h"

namespace memwall {

// `what` is the kernel in words.
std::string variants_table(const std::string& what, const std::string& system,
                           const std::vector<KernelVariant>& variants);
nlohmann::ordered_json variants_json(const std::string& what, const std::string& system,
                                     const std::vector<KernelVariant>& variants);  // "variants"

}  // namespace memwall
