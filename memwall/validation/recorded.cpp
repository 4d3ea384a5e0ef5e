#include "memwall/validation/recorded.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

#include "memwall/core/config_reader.h"
#include "memwall/core/data_files.h"

namespace memwall {
namespace {

constexpr double kAllowedRatio = 1.1, kAllowedDifference = 0.001;

}  // namespace

std::vector<RecordedFigure> read_recorded(const Table& table) {
  std::vector<RecordedFigure> figures;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    figures.push_back({std::string(table.required(row, "set")), std::string(table.required(row, "on")),
                       table.integer(row, "n"), 0.01 * table.number(row, "mean_percent")});
  }
  return figures;
}

std::vector<RecordedFigure> read_recorded() {
  const std::filesystem::path file = data_root() / "validation" / "recorded.csv";
  return std::filesystem::exists(file) ? read_recorded(read_table(file)) : std::vector<RecordedFigure>();
}

std::map<std::string, std::string> parse_remarks(const std::string& text) {
  constexpr std::string_view kHeading = "## ";
  std::map<std::string, std::string> remarks;
  std::string* open = nullptr;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with(kHeading)) {
      open = &remarks[line.substr(kHeading.size())];
    } else if (open != nullptr && !(open->empty() && line.empty())) {
      *open += line + "\n";
    }
  }
  return remarks;
}

std::map<std::string, std::string> read_remarks() {
  const std::filesystem::path file = data_root() / "validation" / "remarks.md";
  return std::filesystem::exists(file) ? parse_remarks(read_text_file(file))
                                       : std::map<std::string, std::string>();
}

std::string recorded_text(const Validation& validation) {
  std::string text =
      "# Mean absolute errors of `memwall validate`, written by --record. A test fails when a set is worse "
      "than\n"
      "# here by more than a tenth.\n"
      "set,on,n,mean_percent,median_percent,p90_percent,datasheet_percent,roofline_percent\n";
  const auto percent = [](const std::optional<ErrorSummary>& errors) {
    return errors ? fmt::format("{:.2f}", 100 * errors->mean) : std::string();
  };
  for (const SetResult& result : validation.sets) {
    // A figure that is exact would be refused as no positive number when it is read.
    const double mean = std::max(100 * result.calibrated.mean, 0.01);
    text += fmt::format("{},{},{},{:.2f},{:.2f},{:.2f},{},{}\n", result.set->name, result.group,
                        result.calibrated.n, mean, 100 * result.calibrated.median,
                        100 * result.calibrated.p90, percent(result.datasheet), percent(result.roofline));
  }
  return text;
}

std::vector<std::string> worse_than_recorded(const Validation& validation,
                                             const std::vector<RecordedFigure>& recorded) {
  std::vector<std::string> worse;
  for (const SetResult& result : validation.sets) {
    const auto figure = std::find_if(recorded.begin(), recorded.end(), [&](const RecordedFigure& each) {
      return each.set == result.set->name && each.group == result.group;
    });
    const std::string which = fmt::format("{} {}: ", result.set->name, result.group);
    if (figure == recorded.end()) {
      worse.push_back(which + "not recorded");
    } else if (figure->n != result.calibrated.n) {
      worse.push_back(which + fmt::format("{} rows, recorded {}", result.calibrated.n, figure->n));
    } else if (result.calibrated.mean > kAllowedRatio * figure->mean &&
               result.calibrated.mean > figure->mean + kAllowedDifference) {
      worse.push_back(which + fmt::format("{:.2f} %, recorded {:.2f} %", 100 * result.calibrated.mean,
                                          100 * figure->mean));
    }
  }
  return worse;
}

}  // namespace memwall
