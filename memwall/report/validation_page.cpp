#include "memwall/report/validation_report.h"

namespace memwall {
std::string validation_page(const Validation&, const std::string&) { return ""; }
std::string validation_markdown(const Validation&, const std::string&) { return ""; }
}  // namespace memwall
