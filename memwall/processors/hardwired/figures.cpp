#include "memwall/processors/hardwired/figures.h"

#include <cmath>

#include "memwall/model/read_model.h"
#include "memwall/processors/hardwired/card.h"
#include "memwall/processors/hardwired/digits.h"
#include "memwall/processors/hardwired/lowering.h"
#include "memwall/processors/hardwired/neuron_silicon.h"
#include "memwall/processors/hardwired/placement.h"
#include "memwall/program/clock.h"

namespace memwall {
namespace {

constexpr double kBitsPerByte = 8;
constexpr double kMega = 1e6;
constexpr double kSquareMicrometres = 1e6;  // per mm2
constexpr double kPico = 1e-12;

class FigureList {
 public:
  explicit FigureList(const System& system)
      : chip_(system.chip()),
        card_(read_hardwired_card(chip_)),
        model_(read_model(card_.wired_model)),
        network_(wiring_of(model_)),
        weights_(static_cast<double>(parameters(model_).total)) {}

  std::vector<Figure> all() {
    add_rates();
    if (chip_.has("published.chip_area")) {
      add_sums();
    }
    if (has_neurons(chip_)) {
      add_density();
    }
    if (card_.is_pipeline()) {
      add_cache();
    }
    if (chip_.has("published.h100_throughput")) {
      add_baselines();
    }
    if (chip_.has("cells.weight_transistors")) {
      add_select_area();
    }
    return std::move(figures_);
  }

 private:
  void add(const char* name, double value, const char* unit = "") { figures_.push_back({name, value, unit}); }
  template <class Q>
  double fact(const std::string& key) const {
    return chip_.get<Q>(key).value;
  }

  double step_seconds(double sequences) const {
    const HardwiredModel model(card_, network_, 1);
    Program program;
    model.lower(
        {{{static_cast<std::int64_t>(sequences), 1, static_cast<std::int64_t>(card_.published_context)}}, {}},
        program);
    ScheduleClock clock;
    return clock.run(program).time.value;
  }

  // At the published context.
  void add_rates() {
    alone_ = 1 / step_seconds(1);
    shared_ = 1 / step_seconds(card_.published_batch);
    add("rate.per_user_alone", alone_, "tokens/s");
    add("rate.per_user", shared_, "tokens/s");
    add("rate.all_users", shared_ * card_.published_batch, "tokens/s");
    const double macs = active_macs();
    const Watts array =
        card_.array_power > Watts(0) ? card_.array_power * card_.chips : card_.tdp * card_.chips;
    add("energy.per_mac", array.value / card_.published_rate.value / macs / kPico, "pJ");
  }
  // Of one token through the matrices: all of a dense layer, the experts it is routed to, the head.
  double active_macs() const {
    double macs = 0;
    for_each_operator(model_, [&](const Operator& op, std::int64_t repeat) {
      if (const auto* linear = std::get_if<Linear>(&op.shape)) {
        macs += static_cast<double>(linear->n * linear->k * repeat);
      } else if (const auto* experts = std::get_if<Experts>(&op.shape)) {
        macs += static_cast<double>(experts->values_per_expert() * experts->experts_per_token * repeat);
      }
    });
    return macs;
  }

  void add_sums() {
    double area = 0, power = 0;
    for (const std::string& block : chip_.below("area")) {
      area += fact<SquareMillimetres>("area." + block);
    }
    for (const std::string& block : chip_.below("block_power")) {
      power += fact<Watts>("block_power." + block);
    }
    add("sum.chip_area", area, "mm2");
    add("sum.all_chips_area", area * card_.chips, "mm2");
    add("sum.chip_power", power, "W");
    add("sum.system_power_factor", fact<Watts>("published.system_power") / (power * card_.chips));
    add("sum.pipeline_slots", static_cast<double>(network_.layers) * card_.stages_per_layer);
  }

  // Area and transistors per weight: as published for the whole array, as published for one operator, and as
  // the neurons of the machine need them, all inputs at once or in turns.
  void add_density() {
    const NeuronSilicon silicon = read_neuron_silicon(chip_);
    const double array = fact<SquareMillimetres>("area.hn_array") * card_.chips;
    const double published = array * silicon.density / weights_;
    add("density.area_per_weight", array / weights_ * kSquareMicrometres, "um2");
    add("density.transistors_per_weight", published);
    const double sram_density =
        fact<Bytes>("kv_buffer.capacity") / fact<SquareMillimetres>("area.attention_buffer");  // B/mm2
    add("density.operator_area_per_weight",
        fact<Ratio>("published.operator_area") * fact<Bytes>("published.operator_sram") / sram_density /
            fact<Ratio>("published.operator_weights") * kSquareMicrometres,
        "um2");
    add("density.spatial_transistors_per_weight", transistors_per_weight(silicon, 1));
    constexpr int kMostTurns = 1000;
    int turns = 1;
    while (turns < kMostTurns && transistors_per_weight(silicon, turns) > published) {
      ++turns;
    }
    add("density.turns_to_fit", turns);
    add("density.turns_of_fitted_projection",
        static_cast<double>(network_.hidden) / card_.inputs_per_cycle / silicon.input_bits);
  }

  // Of a neuron as wide as the model whose weights are spread evenly over the sixteen codes, two of them
  // zero.
  double transistors_per_weight(const NeuronSilicon& silicon, int turns) const {
    std::vector<std::int32_t> values;
    for (const std::int32_t value : silicon.values) {
      if (value != 0) {
        values.push_back(value);
      }
    }
    constexpr std::int64_t kCodes = 16;
    const std::int64_t inputs = ceil_div(network_.hidden, turns);
    const std::vector<std::int64_t> counts(values.size(), ceil_div(inputs, kCodes));
    const BuiltNeuron built = built_neuron(silicon, counts, values, inputs);
    const double area = silicon.area(built.adders, built.register_bits).value;
    return area * silicon.density / static_cast<double>(network_.hidden);
  }

  void add_cache() {
    const Bytes per_sequence = kv_bytes_per_chip(network_, card_, card_.published_context);
    const Bytes need = per_sequence * card_.published_batch;
    add("kv.headline_per_chip", need.value / kMega, "MB");
    add("kv.headline_over_buffer", need / card_.kv_capacity);
    add("kv.sequences_in_buffer", std::floor(card_.kv_capacity / per_sequence));
  }

  // The maker's ratios, and the same with the baselines that its own paper uses elsewhere, or per user.
  void add_baselines() {
    const double all = card_.published_rate.value, system_watts = fact<Watts>("published.system_power");
    const double h100 = fact<Hertz>("published.h100_throughput"),
                 loaded = fact<Hertz>("published.h100_loaded_throughput");
    const double wse3 = fact<Hertz>("published.wse3_throughput");
    const double h100_watts = fact<Watts>("published.h100_power"),
                 wse3_watts = fact<Watts>("published.wse3_power");
    const double per_joule = all / system_watts;
    add("claim.rate_over_h100", all / h100);
    add("like.rate_over_h100", all / loaded);
    add("claim.rate_over_wse3", all / wse3);
    add("like.per_user_over_wse3", shared_ / wse3);
    add("like.per_user_alone_over_wse3", alone_ / wse3);
    add("claim.energy_over_h100", per_joule / (h100 / h100_watts));
    add("like.energy_over_h100", per_joule / (loaded / h100_watts));
    add("claim.energy_over_wse3", per_joule / (wse3 / wse3_watts));
    add("claim.h100_equivalents", fact<Hertz>("published.appendix_throughput") / loaded);
    add("like.h100_equivalents", all / loaded);
    add("claim.appendix_over_table", fact<Hertz>("published.appendix_throughput") / all);
  }

  // Select and add, every output of every layer with its own adders: a transistor or so per weight, an adder
  // per output and lane, six transistors per bit of cache; against all the transistors of the die.
  void add_select_area() {
    const double density = fact<Ratio>("process.transistors") / fact<SquareMillimetres>("area.die");
    const double adder = fact<Ratio>("cells.adder_transistors");
    const int bits = static_cast<int>(fact<Ratio>("cells.activation_bits"));
    const auto largest = static_cast<std::int64_t>(fact<Ratio>("cells.largest_weight"));
    double adders = 0;
    for_each_operator(model_, [&](const Operator& op, std::int64_t repeat) {
      if (const auto* linear = std::get_if<Linear>(&op.shape)) {
        adders += static_cast<double>(linear->n * repeat) * card_.inputs_per_cycle *
                  sum_bits(bits, linear->k, largest);
      }
    });
    const double weight_transistors = weights_ * fact<Ratio>("cells.weight_transistors");
    const double cache = card_.kv_capacity.value * kBitsPerByte * fact<Ratio>("cells.sram_transistors");
    const double needed = weight_transistors + adders * adder + cache;
    add("area.weight_transistors", weight_transistors / 1e9, "G");
    add("area.adder_transistors", adders * adder / 1e9, "G");
    add("area.cache_transistors", cache / 1e9, "G");
    add("area.transistors_of_published", needed / fact<Ratio>("process.transistors"));
    add("area.die_needed", needed / density, "mm2");
  }

  const Chip& chip_;
  HardwiredCard card_;
  Model model_;
  WiredNetwork network_;
  double weights_;
  double alone_ = 0, shared_ = 0;
  std::vector<Figure> figures_;
};

}  // namespace

std::vector<Figure> hardwired_figures(const System& system) { return FigureList(system).all(); }

}  // namespace memwall
