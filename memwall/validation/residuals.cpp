#include "memwall/validation/residuals.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

#include "memwall/validation/error_statistics.h"

namespace memwall {
namespace {

constexpr double kInside = 0.8;

// FNV-1a, 64 bits.
std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char character : text) {
    hash = (hash ^ static_cast<unsigned char>(character)) * 1099511628211u;
  }
  return hash ^ (hash >> 32);
}

// "m 1 to 65536; n 32 to 12288"
std::string ranges_text(const std::vector<SizeRange>& sizes) {
  std::string text;
  for (const SizeRange& size : sizes) {
    text += fmt::format("{}{} {:.0f} to {:.0f}", text.empty() ? "" : "; ", size.name, size.low, size.high);
  }
  return text;
}

std::vector<SizeRange> parse_ranges(const Table& table, std::size_t row) {
  std::vector<SizeRange> sizes;
  const auto number = [&](std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      throw ConfigError(table.where(row), "sizes", quoted(std::string(text)), "NAME LOW to HIGH; ...");
    }
    return value;
  };
  for (std::string_view rest = table.required(row, "sizes"); !rest.empty();) {
    const std::string_view entry = rest.substr(0, rest.find(';'));
    const std::size_t space = entry.find(' '), to = entry.find(" to ");
    if (to == std::string_view::npos || space >= to) {
      throw ConfigError(table.where(row), "sizes", quoted(std::string(entry)), "NAME LOW to HIGH; ...");
    }
    sizes.push_back({std::string(entry.substr(0, space)), number(entry.substr(space + 1, to - space - 1)),
                     number(entry.substr(to + 4))});
    rest.remove_prefix(std::min(entry.size() + 2, rest.size()));
  }
  return sizes;
}

bool has_experts(const Model& model) {
  bool found = false;
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    found = found || std::holds_alternative<Experts>(op.shape);
  });
  return found;
}

double signed_number(const Table& table, std::size_t row, std::string_view title) {
  const std::string_view cell = table.required(row, title);
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || end != cell.data() + cell.size() || !std::isfinite(value)) {
    throw ConfigError(table.where(row), std::string(title), quoted(std::string(cell)), "a number");
  }
  return value;
}

}  // namespace

std::string to_text(const ErrorClass& of) {
  return fmt::format("{}{} {} on {}", of.kind, of.regime == "all" ? "" : " " + of.regime, of.format, of.chip);
}

Format class_format(Format format) { return format == Format::fp16 ? Format::bf16 : format; }

Format weight_format(const Model& model) {
  std::map<Format, double> bytes;
  for_each_operator(model, [&](const Operator& op, std::int64_t repeat) {
    const auto add = [&](Format format) {
      bytes[format] += static_cast<double>(repeat) * weight_bytes(op).value;
    };
    if (const auto* linear = std::get_if<Linear>(&op.shape)) {
      add(linear->weight);
    } else if (const auto* experts = std::get_if<Experts>(&op.shape)) {
      add(experts->weight);
    }
  });
  const auto most = std::max_element(bytes.begin(), bytes.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == bytes.end() ? Format::bf16 : most->first;
}

Classified classify(const KernelFeatures& kernel, const std::string& chip) {
  Classified where{{std::string(name(kernel.kind)), std::string(name(kernel.regime)),
                    std::string(name(class_format(kernel.format))), chip},
                   {}};
  const auto& names = size_names(kernel.kind);
  for (std::size_t i = 0; i < names.size() && !names[i].empty(); ++i) {
    where.sizes.emplace_back(names[i], kernel.sizes[i]);
  }
  return where;
}

Classified classify_decode_step(const Model& model, const std::string& chip, double chips, double batch,
                                double context) {
  return {
      {"decode_step", has_experts(model) ? "routed" : "dense", std::string(name(weight_format(model))), chip},
      {{"chips", chips}, {"batch", batch}, {"context", context}}};
}

bool is_held_back(const Measurement& measurement) { return hash_of(describe(measurement)) % 4 == 0; }

void ResidualRecorder::add(const Classified& where, double error) {
  Rows& rows = classes_[where.of];
  rows.errors.push_back(static_cast<float>(error));
  if (rows.sizes.empty()) {
    for (const auto& [name, size] : where.sizes) {
      rows.sizes.push_back({name, size, size});
    }
  }
  for (std::size_t i = 0; i < where.sizes.size(); ++i) {
    rows.sizes[i].low = std::min(rows.sizes[i].low, where.sizes[i].second);
    rows.sizes[i].high = std::max(rows.sizes[i].high, where.sizes[i].second);
  }
}

std::vector<Residual> ResidualRecorder::residuals() const {
  std::vector<Residual> residuals;
  for (const auto& [of, rows] : classes_) {
    if (rows.errors.size() < kLeastRows) {
      continue;
    }
    std::vector<float> widths;
    for (const float error : rows.errors) {
      widths.push_back(std::abs(error));
    }
    residuals.push_back({of, static_cast<std::int64_t>(rows.errors.size()),
                         quantile(std::move(widths), kInside), quantile(rows.errors, (1 - kInside) / 2),
                         quantile(rows.errors, (1 + kInside) / 2), rows.sizes});
  }
  return residuals;
}

std::string residuals_text(const std::vector<Residual>& residuals) {
  std::string text =
      "# Errors by class, written by `memwall validate --data DIR --record`: the error bars of race, step "
      "and op.\n"
      "#   half_width   80 % of the measurements are within this fraction of the prediction\n"
      "#   low, high    10 % and 90 % quantiles of measured / predicted - 1\n"
      "#   sizes        what was measured\n"
      "kind,regime,format,chip,n,half_width,low,high,sizes\n";
  for (const Residual& each : residuals) {
    text +=
        fmt::format("{},{},{},{},{},{:.4f},{:.4f},{:.4f},{}\n", each.of.kind, each.of.regime, each.of.format,
                    each.of.chip, each.n, each.half_width, each.low, each.high, ranges_text(each.sizes));
  }
  return text;
}

std::vector<Residual> read_residuals(const Table& table) {
  std::vector<Residual> residuals;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const auto text = [&](std::string_view title) { return std::string(table.required(row, title)); };
    residuals.push_back({{text("kind"), text("regime"), text("format"), text("chip")},
                         table.integer(row, "n"),
                         signed_number(table, row, "half_width"),
                         signed_number(table, row, "low"),
                         signed_number(table, row, "high"),
                         parse_ranges(table, row)});
  }
  return residuals;
}

}  // namespace memwall
