#include "memwall/processors/transformer_asic/card.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "memwall/core/error.h"
#include "memwall/core/names.h"

namespace memwall {
namespace {

std::int64_t whole(const Chip& chip, const std::string& key) {
  constexpr double kMost = 1 << 20;
  const double value = chip.get<Ratio>(key);
  if (value != std::floor(value) || value < 1 || value > kMost) {
    throw ConfigError(chip.fact(key).where, key, quoted(chip.fact(key).text),
                      "a whole number from 1 to 2^20");
  }
  return static_cast<std::int64_t>(value);
}

double fraction(const Chip& chip, const std::string& key) {
  const double value = chip.get<Ratio>(key);
  if (value > 1) {
    throw ConfigError(chip.fact(key).where, key, quoted(chip.fact(key).text), "a fraction, at most 1");
  }
  return value;
}

const std::string kGraph = "graph.";

std::set<std::string> read_graph(const Chip& chip) {
  const std::vector<std::string> known(std::begin(kGraphParts), std::end(kGraphParts));
  std::set<std::string> graph;
  for (const std::string& part : chip.below("graph")) {
    const std::string key = kGraph + part;
    if (std::find(known.begin(), known.end(), part) == known.end()) {
      throw ConfigError(chip.words.at(key).where, key, quoted(part), suggest_names(part, known));
    }
    const std::string word = chip.word(key);
    if (word != "has" && word != "lacks") {
      throw ConfigError(chip.words.at(key).where, key, quoted(word), "'has' or 'lacks'");
    }
    if (word == "has") {
      graph.insert(part);
    }
  }
  return graph;
}

}  // namespace

OpsPerSecond AsicCard::peak() const {
  constexpr double kOpsPerMac = 2;
  return OpsPerSecond(kOpsPerMac * static_cast<double>(arrays * array.rows * array.columns) * clock.value);
}

AsicCard read_asic_card(const System& system) {
  const Chip& chip = system.chip();
  chip.refuse_unknown({"graph.*",
                       "array.rows",
                       "array.columns",
                       "array.count",
                       "array.wide_cycles",
                       "clock",
                       "softmax.exps_per_cycle",
                       "pointwise.values_per_cycle",
                       "pointwise.latency",
                       "hbm.*",
                       "scale_up.*",
                       "scale_out.*",
                       "control.*",
                       "power.*",
                       "energy.*",
                       "area.*",
                       "price",
                       "price_per_hour",
                       "published.*",
                       "claim.*"});
  AsicCard card;
  card.graph = read_graph(chip);
  card.array = {whole(chip, "array.rows"), whole(chip, "array.columns")};
  card.arrays = whole(chip, "array.count");
  if (chip.has("control.array_share")) {
    const double left = std::floor(static_cast<double>(card.arrays) * fraction(chip, "control.array_share"));
    card.arrays = std::max<std::int64_t>(1, static_cast<std::int64_t>(left));
  }
  card.control = chip.get_or<Seconds>("control.per_operator", Seconds(0));
  card.clock = chip.get<Hertz>("clock");
  card.wide_cycles = chip.get_or<Ratio>("array.wide_cycles", Ratio(0));
  card.exps_per_cycle = chip.get<Ratio>("softmax.exps_per_cycle");
  card.values_per_cycle = chip.get<Ratio>("pointwise.values_per_cycle");
  card.pointwise_cycles = chip.get<Ratio>("pointwise.latency");
  card.hbm_capacity = chip.get<Bytes>("hbm.capacity");
  card.hbm_bandwidth = chip.get<BytesPerSecond>("hbm.bandwidth");
  card.hbm_achieved = fraction(chip, "hbm.achieved");
  card.link_bandwidth = system.get<BytesPerSecond>("scale_up.bandwidth");
  card.link_latency = system.get<Seconds>("scale_up.latency");
  card.idle = chip.get<Watts>("power.idle");
  card.hbm_energy = chip.get<JoulesPerByte>("energy.hbm");
  card.link_energy = chip.get<JoulesPerByte>("energy.scale_up");
  card.narrow_energy = chip.get<JoulesPerOp>("energy.fp8");
  card.wide_energy = chip.get_or<JoulesPerOp>("energy.bf16", card.narrow_energy);
  card.vector_energy = chip.get<JoulesPerOp>("energy.fp32");
  return card;
}

}  // namespace memwall
