#include "memwall/core/unit_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>

namespace memwall {
namespace {

struct Unit {
  std::string_view symbol;
  double factor;
  Dimension dimension;
  bool prefixes;  // takes p, n, u, m, k, M, G, T, P, E
};

constexpr Dimension kNone{};
constexpr Dimension kSecond{1, 0, 0, 0, 0, 0};
constexpr Dimension kPerSecond{-1, 0, 0, 0, 0, 0};
constexpr Dimension kByte{0, 1, 0, 0, 0, 0};
constexpr Dimension kOp{0, 0, 1, 0, 0, 0};
constexpr Dimension kJoule{0, 0, 0, 1, 0, 0};
constexpr Dimension kWatt{-1, 0, 0, 1, 0, 0};
constexpr Dimension kUsd{0, 0, 0, 0, 1, 0};
constexpr Dimension kMm2{0, 0, 0, 0, 0, 1};

constexpr std::array kUnits = {
    Unit{"s", 1, kSecond, true},     Unit{"min", 60, kSecond, false}, Unit{"h", 3600, kSecond, false},
    Unit{"Hz", 1, kPerSecond, true}, Unit{"B", 1, kByte, true},       Unit{"b", 0.125, kByte, true},
    Unit{"op", 1, kOp, true},        Unit{"OP", 1, kOp, true},        Unit{"FLOP", 1, kOp, true},
    Unit{"MAC", 2, kOp, true},       Unit{"J", 1, kJoule, true},      Unit{"W", 1, kWatt, true},
    Unit{"USD", 1, kUsd, true},      Unit{"mm2", 1, kMm2, false},     Unit{"um2", 1e-6, kMm2, false},
    Unit{"cycle", 1, kNone, false},  Unit{"cycles", 1, kNone, false}, Unit{"token", 1, kNone, true},
    Unit{"tokens", 1, kNone, true},  Unit{"SM", 1, kNone, false},     Unit{"message", 1, kNone, false},
    Unit{"weight", 1, kNone, true},
};

struct Prefix {
  std::string_view symbol;
  double factor;
};
constexpr std::array kPrefixes = {
    Prefix{"Ki", 1024.0},
    Prefix{"Mi", 1024.0 * 1024},
    Prefix{"Gi", 1024.0 * 1024 * 1024},
    Prefix{"Ti", 1024.0 * 1024 * 1024 * 1024},
    Prefix{"Pi", 1024.0 * 1024 * 1024 * 1024 * 1024},
    Prefix{"f", 1e-15},
    Prefix{"p", 1e-12},
    Prefix{"n", 1e-9},
    Prefix{"u", 1e-6},
    Prefix{"m", 1e-3},
    Prefix{"k", 1e3},
    Prefix{"M", 1e6},
    Prefix{"G", 1e9},
    Prefix{"T", 1e12},
    Prefix{"P", 1e15},
    Prefix{"E", 1e18},
};

struct Scaled {
  double factor;
  Dimension dimension;
  bool bits;
};

std::optional<Scaled> find_unit(std::string_view symbol) {
  for (const Unit& unit : kUnits) {
    if (unit.symbol == symbol) {
      return Scaled{unit.factor, unit.dimension, symbol == "b"};
    }
  }
  for (const Unit& unit : kUnits) {
    if (!unit.prefixes || symbol.size() <= unit.symbol.size() || !symbol.ends_with(unit.symbol)) {
      continue;
    }
    const std::string_view head = symbol.substr(0, symbol.size() - unit.symbol.size());
    for (const Prefix& prefix : kPrefixes) {
      const bool binary = prefix.symbol.size() == 2;
      if (prefix.symbol == head && (!binary || unit.dimension == kByte)) {
        return Scaled{unit.factor * prefix.factor, unit.dimension, unit.symbol == "b"};
      }
    }
  }
  return std::nullopt;
}

Dimension combine(const Dimension& a, const Dimension& b, int sign) {
  return {a.second + sign * b.second, a.byte + sign * b.byte, a.op + sign * b.op,
          a.joule + sign * b.joule,   a.usd + sign * b.usd,   a.mm2 + sign * b.mm2};
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  while (!text.empty() && text.back() == ' ') {
    text.remove_suffix(1);
  }
  return text;
}

// Applies "TB/s", "op/cycle/SM" to `number`: the first unit multiplies, the ones after each '/' divide.
void apply_units(std::string_view units, MeasuredNumber& number) {
  int sign = 1;
  bool saw_bits = false;
  while (true) {
    const std::size_t slash = units.find('/');
    const std::string_view symbol = units.substr(0, slash);
    const std::optional<Scaled> unit = find_unit(symbol);
    if (!unit) {
      throw std::invalid_argument("unknown unit '" + std::string(symbol) + "'");
    }
    number.value = sign > 0 ? number.value * unit->factor : number.value / unit->factor;
    number.dimension = combine(number.dimension, unit->dimension, sign);
    saw_bits = saw_bits || unit->bits;
    if (slash == std::string_view::npos) {
      break;
    }
    units.remove_prefix(slash + 1);
    sign = -1;
  }
  if (saw_bits && number.dimension.second == 0 && number.dimension.joule == 0) {
    throw std::invalid_argument("bits are only for rates; sizes are in bytes");
  }
  number.has_unit = true;
}

struct Example {
  Dimension dimension;
  std::string_view phrase;
};
constexpr std::array kExamples = {
    Example{kNone, "a plain number without a unit"},
    Example{kSecond, "a time such as '30 ns'"},
    Example{kPerSecond, "a frequency such as '1.41 GHz'"},
    Example{kByte, "a size such as '80 GB'"},
    Example{{-1, 1, 0, 0, 0, 0}, "a rate such as '3.35 TB/s'"},
    Example{{-1, 0, 1, 0, 0, 0}, "an arithmetic rate such as '989 TFLOP/s'"},
    Example{kOp, "a number of operations such as '4096 op/cycle'"},
    Example{kJoule, "an energy such as '20 mJ'"},
    Example{kWatt, "a power such as '700 W'"},
    Example{{0, -1, 0, 1, 0, 0}, "an energy per byte such as '30 pJ/B'"},
    Example{{0, 0, -1, 1, 0, 0}, "an energy per operation such as '0.5 pJ/op'"},
    Example{kUsd, "a price such as '30 kUSD'"},
    Example{{-1, 0, 0, 0, 1, 0}, "a price per time such as '2.9 USD/h'"},
    Example{kMm2, "an area such as '814 mm2'"},
};

}  // namespace

MeasuredNumber parse_measured_number(std::string_view text) {
  text = trimmed(text);
  MeasuredNumber number;
  const char* begin = text.data();
  const char* end = begin + text.size();
  const auto [rest, error] = std::from_chars(begin, end, number.value);
  if (error != std::errc() || rest == begin || !std::isfinite(number.value)) {
    throw std::invalid_argument("not a finite number");
  }
  const bool spaced = rest != end && *rest == ' ';
  const std::string_view units = trimmed(std::string_view(rest, static_cast<std::size_t>(end - rest)));
  if (!units.empty()) {
    if (!spaced) {
      throw std::invalid_argument("no space between number and unit");
    }
    apply_units(units, number);
  }
  return number;
}

std::string describe_dimension(const Dimension& dimension) {
  for (const Example& example : kExamples) {
    if (example.dimension == dimension) {
      return std::string(example.phrase);
    }
  }
  return "another unit";
}

std::string format_scaled(double value, std::string_view unit) {
  if (value == 0 || !std::isfinite(value)) {
    return fmt::format("{} {}", value, unit);
  }
  constexpr std::array<std::string_view, 13> kNames = {"a", "f", "p", "n", "u", "m", "",
                                                       "k", "M", "G", "T", "P", "E"};
  constexpr int kZero = 6;  // index of no prefix
  int step = static_cast<int>(std::floor(std::log10(std::abs(value)) / 3));
  step = std::max(-kZero, std::min(step, static_cast<int>(kNames.size()) - 1 - kZero));
  double scaled = value / std::pow(10.0, 3 * step);
  if (std::abs(scaled) >= 999.5 && step + kZero + 1 < static_cast<int>(kNames.size())) {
    scaled /= 1000;
    ++step;
  }
  const double magnitude = std::abs(scaled);
  const int decimals = magnitude >= 99.95 ? 0 : magnitude >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}{}", scaled, decimals, kNames[static_cast<std::size_t>(step + kZero)], unit);
}

std::string to_text(Seconds time) { return format_scaled(time.value, "s"); }
std::string to_text(Bytes bytes) { return format_scaled(bytes.value, "B"); }
std::string to_text(BytesPerSecond rate) { return format_scaled(rate.value, "B/s"); }
std::string to_text(Ops ops) { return format_scaled(ops.value, "op"); }
std::string to_text(OpsPerSecond rate) { return format_scaled(rate.value, "op/s"); }
std::string to_text(Joules energy) { return format_scaled(energy.value, "J"); }
std::string to_text(Watts power) { return format_scaled(power.value, "W"); }

}  // namespace memwall
