#include "memwall/processors/systolic/card.h"

#include <cmath>
#include <string>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/hardware/technology.h"

namespace memwall {
namespace {

// Facts of the box stand before those of its chips.
class CardReader {
 public:
  explicit CardReader(const System& system) : system_(system) {}

  bool has(const std::string& key) const { return system_.has(key); }
  template <class Q>
  Q get(const std::string& key) const {
    return system_.get<Q>(key);
  }
  double number(const std::string& key) const { return get<Ratio>(key).value; }
  std::int64_t whole(const std::string& key, double most = 1 << 20) const {
    const double value = number(key);
    if (value != std::floor(value) || value < 1 || value > most) {
      refuse(key, fmt::format("a whole number from 1 to {}", most));
    }
    return static_cast<std::int64_t>(value);
  }
  std::int64_t divisor(const std::string& key, const std::string& of, std::int64_t whole_value) const {
    constexpr double kMostParts = 256;
    const std::int64_t value = whole(key, kMostParts);
    if (whole_value % value != 0) {
      refuse(key, fmt::format("a divisor of {}, {}", of, whole_value));
    }
    return value;
  }
  double fraction(const std::string& key) const {
    const double value = number(key);
    if (value > 1) {
      refuse(key, "a fraction, at most 1");
    }
    return value;
  }
  // One of two words.
  bool choice(const std::string& key, const std::string& yes, const std::string& no) const {
    const std::string word = system_.chip().word(key);
    if (word != yes && word != no) {
      throw ConfigError(Location{system_.chip().file}, key, quoted(word), "'" + yes + "' or '" + no + "'");
    }
    return word == yes;
  }
  [[noreturn]] void refuse(const std::string& key, const std::string& expected) const {
    const Fact& fact = system_.card_of(key).fact(key);
    throw ConfigError(fact.where, key, quoted(fact.text), expected);
  }

 private:
  const System& system_;
};

void read_array(const CardReader& reader, SystolicCard& card) {
  card.array.rows = reader.whole("array.rows");
  card.array.columns = reader.whole("array.columns");
  card.array.count = reader.whole("array.count");
  card.array.double_buffered = reader.choice("array.weights", "double_buffered", "single");
  card.finest.row_parts = reader.divisor("array.row_parts", "array.rows", card.array.rows);
  card.finest.column_parts = reader.divisor("array.column_parts", "array.columns", card.array.columns);
  if (reader.choice("array.dataflow", "stationary", "any")) {
    card.dataflows = {Dataflow::weight_stationary, Dataflow::input_stationary};
  } else {
    card.dataflows = {Dataflow::weight_stationary, Dataflow::input_stationary, Dataflow::output_stationary};
  }
  const auto port = [&](const std::string& key) { return reader.has(key) ? reader.number(key) : 0; };
  card.array.ports = {port("ports.weights"), port("ports.activations"), port("ports.sums")};
  card.clock = reader.get<Hertz>("clock");
  for (const Format format : {Format::bf16, Format::fp16, Format::fp8, Format::int8, Format::nvfp4}) {
    const std::string key = "array.rate." + std::string(name(format));
    if (format == Format::bf16 || reader.has(key)) {
      card.macs_per_cell[static_cast<std::size_t>(format)] = reader.number(key);
      card.energy[static_cast<std::size_t>(format)] =
          reader.get<JoulesPerOp>("energy." + std::string(name(format)));
    }
  }
}

void read_memory(const CardReader& reader, SystolicCard& card) {
  card.sram_capacity = reader.get<Bytes>("sram.capacity");
  card.sram_buffers = reader.get<Bytes>("sram.buffers");
  if (card.sram_buffers > card.sram_capacity) {
    reader.refuse("sram.buffers", "at most sram.capacity");
  }
  card.sram_bandwidth = reader.get<BytesPerSecond>("sram.bandwidth");
  card.weights_in_sram = reader.choice("sram.holds", "weights", "buffers");
  card.hbm_capacity = reader.get<Bytes>("hbm.capacity");
  card.hbm_reserve = reader.get<Bytes>("hbm.reserve");
  if (card.hbm_reserve >= card.hbm_capacity) {
    reader.refuse("hbm.reserve", "less than hbm.capacity");
  }
  card.hbm_bandwidth = reader.get<BytesPerSecond>("hbm.bandwidth");
  card.hbm_achieved = reader.fraction("hbm.achieved");
}

}  // namespace

double SystolicCard::rate(Format arithmetic) const {
  return macs_per_cell[static_cast<std::size_t>(computed_in(arithmetic))];
}

Format SystolicCard::computed_in(Format arithmetic) const {
  return macs_per_cell[static_cast<std::size_t>(arithmetic)] > 0 ? arithmetic : Format::bf16;
}

OpsPerSecond SystolicCard::peak(Format arithmetic) const {
  constexpr double kOpsPerMac = 2;
  const double cells =
      static_cast<double>(array.count) * static_cast<double>(array.rows) * static_cast<double>(array.columns);
  return OpsPerSecond(kOpsPerMac * cells * rate(arithmetic) * clock.value);
}

SystolicCard read_systolic_card(const System& system) {
  for (const Pool& pool : system.pools) {
    if (pool.chip.name != system.chip().name) {
      throw ConfigError(Location{system.file}, "pools", quoted(pool.chip.name),
                        "one kind of chip, " + system.chip().name);
    }
  }
  // Published peaks, areas and the process are for reports and tests.
  system.chip().refuse_unknown({"array.rows",         "array.columns",    "array.count",
                                "array.weights",      "array.row_parts",  "array.column_parts",
                                "array.dataflow",     "array.rate.*",     "ports.weights",
                                "ports.activations",  "ports.sums",       "clock",
                                "vector.rate",        "sram.capacity",    "sram.buffers",
                                "sram.bandwidth",     "sram.holds",       "hbm.capacity",
                                "hbm.reserve",        "hbm.bandwidth",    "hbm.achieved",
                                "op.start",           "host.step",        "scale_up.domain",
                                "scale_up.bandwidth", "scale_up.latency", "scale_up.achieved",
                                "power.tdp",          "power.idle",       "energy.*",
                                "supply.*",           "published.*",      "study.*"});
  const CardReader reader(system);
  SystolicCard card;
  card.title = system.chip().title;
  read_array(reader, card);
  read_memory(reader, card);
  card.vector = reader.get<OpsPerSecond>("vector.rate");
  card.op_start = reader.get<Seconds>("op.start");
  card.step_host = reader.get<Seconds>("host.step");
  card.domain = static_cast<int>(reader.whole("scale_up.domain"));
  if (system.chips() > 1) {
    card.links = SystolicCard::Links{
        reader.get<BytesPerSecond>("scale_up.bandwidth"), reader.get<Seconds>("scale_up.latency"),
        reader.fraction("scale_up.achieved"), reader.get<JoulesPerByte>("energy.scale_up")};
  }
  card.vector_energy = reader.get<JoulesPerOp>("energy.fp32");
  card.sram_energy = reader.get<JoulesPerByte>("energy.sram");
  card.hbm_energy = reader.get<JoulesPerByte>("energy.hbm");
  card.idle = reader.get<Watts>("power.idle");
  if (reader.has("power.tdp")) {
    card.tdp = reader.get<Watts>("power.tdp");
    card.voltage = voltage_curve(system.chip());
    if (card.idle >= card.tdp) {
      reader.refuse("power.idle", "less than power.tdp");
    }
  }
  return card;
}

}  // namespace memwall
