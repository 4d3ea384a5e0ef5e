#include "memwall/validation/figure_rows.h"

namespace memwall {

void read_figure_rows(const Table& table, MeasurementSink& sink) {
  for (std::size_t row = 0; row < table.rows(); ++row) {
    table.required(row, "source");
    Measurement measurement;
    measurement.origin = "figures";
    measurement.system = table.required(row, "system");
    measurement.what =
        FigureOf{std::string(table.required(row, "figure")), std::string(table.text(row, "unit"))};
    measurement.quantity = MeasuredQuantity::figure;
    measurement.value = table.number(row, "published");
    measurement.where = table.where(row);
    sink.take(measurement);
  }
}

}  // namespace memwall
