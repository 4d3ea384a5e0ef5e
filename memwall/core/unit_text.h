// unit_text.h - quantities as text: "3.35 TB/s" in, "3.35 TB/s" out.
//
// kB, MB, GB, TB, PB are powers of ten and KiB, MiB, GiB, TiB powers of two. A lower-case b means bits and is
// accepted only in rates (Gb/s). FLOP, OP and op are the same unit; MAC is 2 op. cycle, token and SM are
// labels without a dimension, so "4096 op/cycle/SM" has the dimension of op.
#pragma once

#include <string>
#include <string_view>

#include "memwall/core/units.h"

namespace memwall {

struct MeasuredNumber {
  double value = 0;  // in base units
  Dimension dimension;
  bool has_unit = false;  // "0.9" has none, "0.9 s" and "16 cycle" have
};

// Throws std::invalid_argument with a phrase that names what is wrong ("unknown unit 'TBs'").
MeasuredNumber parse_measured_number(std::string_view text);

// "a rate such as 3.35 TB/s": what to write for a dimension, for error messages.
std::string describe_dimension(const Dimension& dimension);

// Three significant digits with an SI prefix and the unit of the type: "3.35 TB/s", "12.4 us".
std::string format_scaled(double value, std::string_view unit);
std::string to_text(Seconds time);
std::string to_text(Bytes bytes);
std::string to_text(BytesPerSecond rate);
std::string to_text(Ops ops);
std::string to_text(OpsPerSecond rate);
std::string to_text(Joules energy);
std::string to_text(Watts power);

}  // namespace memwall
