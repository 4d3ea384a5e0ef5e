#include "memwall/processors/hardwired/card.h"

#include <cmath>

#include <fmt/format.h>

#include "memwall/core/error.h"

namespace memwall {
namespace {

double number(const Chip& chip, const std::string& key) { return chip.get<Ratio>(key).value; }

int whole(const Chip& chip, const std::string& key) {
  constexpr double kMost = 1 << 20;
  const double value = number(chip, key);
  if (value != std::floor(value) || value < 1 || value > kMost) {
    throw ConfigError(chip.fact(key).where, key, quoted(chip.fact(key).text),
                      "a whole number from 1 to 2^20");
  }
  return static_cast<int>(value);
}

bool read_windows(const Chip& chip) {
  const std::string word = chip.word("kv.windows");
  if (word != "honoured" && word != "ignored") {
    throw ConfigError(Location{chip.file}, "kv.windows", quoted(word), "'honoured' or 'ignored'");
  }
  return word == "honoured";
}

void read_tokens(const Chip& chip, HardwiredCard& card) {
  const bool stages = chip.has("pipeline.stages_per_layer"), passes = chip.has("pipeline.tokens_per_pass");
  if (stages == passes) {
    throw ConfigError(Location{chip.file}, "pipeline", stages ? "two entries" : "no entry",
                      "stages_per_layer or tokens_per_pass");
  }
  if (stages) {
    card.stages_per_layer = whole(chip, "pipeline.stages_per_layer");
    if (card.stages_per_layer != kLayerStages) {
      throw ConfigError(chip.fact("pipeline.stages_per_layer").where, "pipeline.stages_per_layer",
                        std::to_string(card.stages_per_layer),
                        fmt::format("{}, the stages that stages.h divides a layer into", kLayerStages));
    }
  } else {
    card.tokens_per_pass = whole(chip, "pipeline.tokens_per_pass");
  }
}

void read_grid(const Chip& chip, HardwiredCard& card) {
  card.chips = whole(chip, "wired.chips");
  card.grid_rows = whole(chip, "wired.grid_rows");
  card.grid_columns = whole(chip, "wired.grid_columns");
  if (static_cast<std::int64_t>(card.grid_rows) * card.grid_columns != card.chips) {
    throw ConfigError(chip.fact("wired.chips").where, "wired.chips", std::to_string(card.chips),
                      fmt::format("grid_rows * grid_columns, {} * {}", card.grid_rows, card.grid_columns));
  }
}

HardwiredCard::Links read_links(const Chip& chip) {
  HardwiredCard::Links links;
  links.bandwidth = chip.get<BytesPerSecond>("links.bandwidth");
  links.latency = chip.get<Seconds>("scale_up.latency");
  links.round_overhead = chip.get<Seconds>("calibration.round_overhead");
  links.partial_sum_bytes = chip.get<Bytes>("links.partial_sum").value;
  links.result_bytes = chip.get<Bytes>("links.result").value;
  return links;
}

HardwiredCard::Hbm read_hbm(const Chip& chip) {
  HardwiredCard::Hbm hbm;
  hbm.capacity = chip.get<Bytes>("hbm.capacity");
  hbm.peak = chip.get<BytesPerSecond>("hbm.bandwidth");
  const double fraction = number(chip, "calibration.hbm_fraction");
  if (fraction > 1) {
    throw ConfigError(chip.fact("calibration.hbm_fraction").where, "calibration.hbm_fraction",
                      quoted(chip.fact("calibration.hbm_fraction").text), "a fraction, at most 1");
  }
  hbm.spilled = hbm.peak * fraction;
  return hbm;
}

void read_power(const Chip& chip, HardwiredCard& card) {
  card.tdp = chip.get<Watts>("power.tdp");
  card.idle = chip.get<Watts>("power.idle");
  if (card.idle > card.tdp) {
    throw ConfigError(chip.fact("power.idle").where, "power.idle", quoted(chip.fact("power.idle").text),
                      "at most power.tdp");
  }
  card.array_power = chip.get_or<Watts>("block_power.hn_array", Watts(0));
  card.vector_power = chip.get_or<Watts>("block_power.vex", Watts(0));
  card.buffer_power = chip.get_or<Watts>("block_power.attention_buffer", Watts(0));
  card.link_power = chip.get_or<Watts>("block_power.interconnect", Watts(0));
  card.published_rate = chip.get<Hertz>("published.throughput");
  card.published_batch = whole(chip, "published.batch");
  card.published_context = whole(chip, "published.context");
}

}  // namespace

HardwiredCard read_hardwired_card(const Chip& chip) {
  // Areas, process, transistors and the published figures are for reports and tests.
  chip.refuse_unknown({"wired.*", "process.*", "area.*", "block_power.*", "published.*", "pipeline.*",
                       "clock", "array.*", "attention.*", "kv.*", "kv_buffer.*", "hbm.*", "scale_up.*",
                       "links.*", "power.*", "calibration.*", "cells.*"});
  HardwiredCard card;
  card.wired_model = chip.word("wired.model");
  read_grid(chip, card);
  read_tokens(chip, card);
  card.clock = chip.get<Hertz>("clock");
  card.least_array_cycles = chip.has("array.input_bits") ? number(chip, "array.input_bits") : 0;
  card.inputs_per_cycle = number(chip, "calibration.inputs_per_cycle");
  card.vector_op_cycles = number(chip, "calibration.vector_op_cycles");
  card.kv_heads_per_cycle = number(chip, "attention.kv_heads_per_cycle");
  card.attention_passes = number(chip, "attention.passes");
  card.kv_bits = number(chip, "kv.bits_per_value");
  card.windows_honoured = read_windows(chip);
  card.kv_capacity = chip.get<Bytes>("kv_buffer.capacity");
  card.kv_bandwidth = chip.get<BytesPerSecond>("kv_buffer.bandwidth");
  if (chip.has("hbm.capacity")) {
    card.hbm = read_hbm(chip);
  }
  if (card.chips > 1) {
    card.links = read_links(chip);
  }
  read_power(chip, card);
  return card;
}

}  // namespace memwall
