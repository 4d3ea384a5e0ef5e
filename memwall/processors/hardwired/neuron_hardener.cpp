#include "memwall/processors/hardwired/neuron_hardener.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/core/names.h"
#include "memwall/model/read_model.h"
#include "memwall/processors/hardwired/card.h"
#include "memwall/processors/hardwired/lowering.h"
#include "memwall/processors/hardwired/misfits.h"
#include "memwall/processors/hardwired/neuron_silicon.h"
#include "memwall/processors/hardwired/verilog.h"
#include "memwall/processors/hardwired/wire_list.h"
#include "memwall/processors/hardwired/wired_rows.h"

namespace memwall {
namespace {

constexpr std::int64_t kRowsAtOnce = 64;

// Letters, digits, '.', '_' and '-'; numbered, so that no two tensors share a file.
std::string file_stem(std::size_t index, const std::string& tensor) {
  constexpr std::size_t kLongest = 200;
  std::string stem = fmt::format("{:04}-", index);
  for (const char character : tensor.substr(0, kLongest)) {
    const bool plain = (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
                       (character >= '0' && character <= '9') || character == '.' || character == '-';
    stem += plain ? character : '_';
  }
  return stem;
}

// "blk.3" of "blk.3.attn_q.weight", else the name.
std::string layer_of(const std::string& tensor) {
  const std::size_t first = tensor.find('.');
  const std::size_t second = first == std::string::npos ? first : tensor.find('.', first + 1);
  const bool in_layer = tensor.starts_with("blk.") && second != std::string::npos;
  return in_layer ? tensor.substr(0, second) : tensor;
}

// 3 of "blk.3"; what is in no layer comes before them, in file order.
std::int64_t layer_number(const std::string& layer) {
  constexpr std::size_t kPrefix = 4;
  std::int64_t number = -1;
  if (layer.starts_with("blk.")) {
    std::from_chars(layer.data() + kPrefix, layer.data() + layer.size(), number);
  }
  return number;
}

// Sums that a HardenedTensor is made of.
struct TensorSums {
  HardenedTensor tensor;
  std::int64_t register_bits = 0;
  RowError error;
};

class NeuronHardener final : public Hardener {
 public:
  explicit NeuronHardener(const System& system)
      : system_(system.name), silicon_(read_neuron_silicon(system.chip())) {
    const Chip& chip = system.chip();
    const HardwiredCard card = read_hardwired_card(chip);
    const Model wired = read_model(card.wired_model);
    mac_ = HardwiredModel(card, wiring_of(wired), 1).energy_per_mac();
    clock_ = card.clock;
    inputs_per_cycle_ = card.inputs_per_cycle;
    array_area_ = chip.get<SquareMillimetres>("area.hn_array") * system.chips();
    area_per_weight_ = chip.get<SquareMillimetres>("area.hn_array") * card.chips /
                       static_cast<double>(parameters(wired).total);
  }

  HardenReport harden(const WeightSource& source, const HardenOptions& options,
                      OutputFolder& folder) const override {
    HardenReport report;
    report.source = source.name();
    report.system = system_;
    report.array_area = array_area_;
    const std::set<std::string> wanted = checked_names(source, options);
    MisfitCounts misfits(source, options.scales);
    for (std::size_t index = 0; index < source.tensors().size(); ++index) {
      const WeightTensor& tensor = source.tensors()[index];
      if (!wanted.empty() && wanted.count(tensor.name) == 0) {
        continue;
      }
      const TensorRole role = role_of(tensor, source);
      misfits.add(tensor, role);
      if (role != TensorRole::matrix) {
        continue;
      }
      report.tensors.push_back(harden_tensor(source, index, options, misfits, folder));
      if (tensor.name == options.verilog_tensor) {
        write_verilog(source, index, options, folder);
      }
    }
    if (report.tensors.empty()) {
      throw ConfigError("--tensor", "no matrix", "the name of a tensor whose weights can be wires");
    }
    add_sums(report);
    report.misfits = misfits.list(report.total.error);
    report.area_as_published = area_per_weight_ * static_cast<double>(report.total.weights);
    return report;
  }

 private:
  static std::set<std::string> checked_names(const WeightSource& source, const HardenOptions& options) {
    std::vector<std::string> known;
    for (const WeightTensor& tensor : source.tensors()) {
      known.push_back(tensor.name);
    }
    const auto check = [&](const std::string& option, const std::string& name) {
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        throw ConfigError(option, quoted(name), suggest_names(name, known));
      }
    };
    for (const std::string& name : options.tensors) {
      check("--tensor", name);
    }
    if (!options.verilog_tensor.empty()) {
      check("--verilog", options.verilog_tensor);
      if (options.scales != ScalePolicy::neuron) {
        throw ConfigError("--verilog", "--scales block beside it", "--scales neuron: one neuron per output");
      }
    }
    std::set<std::string> wanted(options.tensors.begin(), options.tensors.end());
    if (!wanted.empty() && !options.verilog_tensor.empty()) {
      wanted.insert(options.verilog_tensor);
    }
    return wanted;
  }

  HardenedTensor harden_tensor(const WeightSource& source, std::size_t index, const HardenOptions& options,
                               MisfitCounts& misfits, OutputFolder& folder) const {
    const WeightTensor& tensor = source.tensors()[index];
    WireListWriter list(folder.file(file_stem(index, tensor.name) + ".wires"), tensor);
    TensorSums sums;
    sums.tensor.name = tensor.name;
    sums.tensor.type = tensor.type;
    sums.tensor.layer = layer_of(tensor.name);
    for (std::int64_t first = 0; first < tensor.rows(); first += kRowsAtOnce) {
      const CodedRows rows = source.rows(index, first, std::min(kRowsAtOnce, tensor.rows() - first));
      misfits.add(rows);
      const RowError error =
          for_each_neuron(rows, options.scales, silicon_.values, [&](const RowNeuron& neuron) {
            RowNeuron placed = neuron;
            placed.row += first;
            list.write(placed);
            add(placed, sums);
          });
      sums.error.squared_error += error.squared_error;
      sums.error.squared += error.squared;
    }
    return finished(tensor, sums);
  }

  void add(const RowNeuron& neuron, TensorSums& sums) const {
    std::vector<std::int64_t> inputs_of(neuron.values.size(), 0);
    for (const std::uint8_t code : neuron.codes) {
      ++inputs_of[code];
    }
    std::vector<std::int32_t> values;  // of the regions: all but zero
    std::vector<std::int64_t> counts;
    for (std::size_t code = 0; code < inputs_of.size(); ++code) {
      if (neuron.values[code] != 0) {
        values.push_back(neuron.values[code]);
        counts.push_back(inputs_of[code]);
      }
    }
    const auto inputs = static_cast<std::int64_t>(neuron.codes.size());
    const BuiltNeuron built = built_neuron(silicon_, counts, values, inputs);
    HardenedTensor& tensor = sums.tensor;
    ++tensor.neurons;
    tensor.inputs = std::max(tensor.inputs, inputs);
    for (const std::int64_t count : counts) {
      tensor.wires += count;
    }
    tensor.ports += built.slices_given * silicon_.slice_ports;
    tensor.overfull += built.slices_taken > built.slices_given ? 1 : 0;
    tensor.fullest = std::max(
        tensor.fullest, static_cast<double>(built.slices_taken) / static_cast<double>(built.slices_given));
    tensor.adders += neuron_parts(counts, values, silicon_.input_bits).adders;
    tensor.built_adders += built.adders;
    sums.register_bits += built.register_bits;
  }

  HardenedTensor finished(const WeightTensor& source, TensorSums& sums) const {
    HardenedTensor& tensor = sums.tensor;
    tensor.weights = source.inputs() * source.rows();
    tensor.area = silicon_.area(tensor.built_adders, sums.register_bits);
    tensor.energy_per_pass = mac_ * static_cast<double>(tensor.wires);
    const double cycles = std::max(static_cast<double>(silicon_.input_bits),
                                   static_cast<double>(source.inputs()) / inputs_per_cycle_);
    tensor.power = tensor.energy_per_pass / (cycles / clock_);
    tensor.error = sums.error.squared > 0 ? std::sqrt(sums.error.squared_error / sums.error.squared) : 0;
    return tensor;
  }

  static void add_sums(HardenReport& report) {
    const auto add = [](HardenedTensor& sum, const HardenedTensor& tensor) {
      // Errors by their squares, weighted with the weights: those of one file are of like size.
      const auto squares = [](const HardenedTensor& part) {
        return part.error * part.error * static_cast<double>(part.weights);
      };
      const double squared = squares(sum) + squares(tensor);
      sum.neurons += tensor.neurons;
      sum.inputs = std::max(sum.inputs, tensor.inputs);
      sum.weights += tensor.weights;
      sum.wires += tensor.wires;
      sum.ports += tensor.ports;
      sum.overfull += tensor.overfull;
      sum.fullest = std::max(sum.fullest, tensor.fullest);
      sum.adders += tensor.adders;
      sum.built_adders += tensor.built_adders;
      sum.area += tensor.area;
      sum.energy_per_pass += tensor.energy_per_pass;
      sum.power += tensor.power;
      sum.error = std::sqrt(squared / static_cast<double>(sum.weights));
    };
    report.total.name = report.total.layer = "all";
    for (const HardenedTensor& tensor : report.tensors) {
      const auto same =
          std::find_if(report.layers.begin(), report.layers.end(),
                       [&](const HardenedTensor& layer) { return layer.layer == tensor.layer; });
      if (same == report.layers.end()) {
        report.layers.emplace_back();
        report.layers.back().name = report.layers.back().layer = tensor.layer;
        add(report.layers.back(), tensor);
      } else {
        add(*same, tensor);
      }
      add(report.total, tensor);
    }
    std::stable_sort(report.layers.begin(), report.layers.end(),
                     [](const HardenedTensor& a, const HardenedTensor& b) {
                       return layer_number(a.layer) < layer_number(b.layer);
                     });
  }

  void write_verilog(const WeightSource& source, std::size_t index, const HardenOptions& options,
                     OutputFolder& folder) const {
    const WeightTensor& tensor = source.tensors()[index];
    const std::int64_t first = options.verilog_first, count = options.verilog_count;
    if (first + count > tensor.rows()) {
      throw ConfigError("--neurons", fmt::format("{}:{}", first, count),
                        fmt::format("neurons within the {} of {}", tensor.rows(), quoted(tensor.name)));
    }
    CodedWeights weights{static_cast<int>(tensor.inputs()), static_cast<int>(count), silicon_.values, {}};
    for_each_neuron(source.rows(index, first, count), options.scales, silicon_.values,
                    [&](const RowNeuron& neuron) {
                      weights.codes.insert(weights.codes.end(), neuron.codes.begin(), neuron.codes.end());
                    });
    folder.file("neurons.sv") << neuron_verilog(
        weights, silicon_.input_bits, "neurons",
        fmt::format("neurons {} to {} of {}", first, first + count - 1, quoted(tensor.name)));
  }

  std::string system_;
  NeuronSilicon silicon_;
  Joules mac_;
  Hertz clock_;
  double inputs_per_cycle_ = 0;
  SquareMillimetres array_area_, area_per_weight_;
};

}  // namespace

std::unique_ptr<Hardener> make_neuron_hardener(const System& system) {
  return std::make_unique<NeuronHardener>(system);
}

}  // namespace memwall
