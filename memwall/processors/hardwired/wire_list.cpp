#include "memwall/processors/hardwired/wire_list.h"

#include <iterator>

#include <fmt/format.h>

namespace memwall {

WireListWriter::WireListWriter(std::ostream& out, const WeightTensor& tensor) : out_(out) {
  out_ << fmt::format("memwall wires 1\ntensor {}, {} rows of {} inputs\n", tensor.name, tensor.rows(),
                      tensor.inputs());
}

void WireListWriter::write(const RowNeuron& neuron) {
  text_.clear();
  const auto out = std::back_inserter(text_);
  fmt::format_to(out, "neuron {} scale {}", neuron.row, neuron.scale);
  if (neuron.first_input != 0) {
    fmt::format_to(out, " input {}", neuron.first_input);
  }
  if (neuron.place != 0) {
    fmt::format_to(out, " place {}", neuron.place);
  }
  if (neuron.minimum != 0) {
    fmt::format_to(out, " minimum {}", neuron.minimum);
  }
  text_ += '\n';
  regions_.resize(neuron.values.size());
  for (std::vector<std::int64_t>& region : regions_) {
    region.clear();
  }
  for (std::size_t i = 0; i < neuron.codes.size(); ++i) {
    regions_[neuron.codes[i]].push_back(neuron.first_input + static_cast<std::int64_t>(i));
  }
  for (std::size_t code = 0; code < regions_.size(); ++code) {
    if (neuron.values[code] == 0 || regions_[code].empty()) {
      continue;
    }
    text_ += fmt::format_int(neuron.values[code]).c_str();
    text_ += ':';
    for (const std::int64_t input : regions_[code]) {
      const fmt::format_int digits(input);
      text_ += ' ';
      text_.append(digits.data(), digits.size());
    }
    text_ += '\n';
  }
  out_.write(text_.data(), static_cast<std::streamsize>(text_.size()));
}

}  // namespace memwall
