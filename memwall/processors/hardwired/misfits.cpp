#include "memwall/processors/hardwired/misfits.h"

#include <algorithm>

#include <fmt/format.h>

#include "memwall/core/error.h"

namespace memwall {
namespace {

constexpr const char* kEmbedding = "token_embd.weight";
constexpr int kNeuronCodeBits = 4;  // of sixteen regions

bool is_tied_head(const WeightTensor& tensor, const WeightSource& source) {
  const auto& all = source.tensors();
  return tensor.name == kEmbedding && std::none_of(all.begin(), all.end(), [](const WeightTensor& other) {
           return other.name == "output.weight";
         });
}

}  // namespace

TensorRole role_of(const WeightTensor& tensor, const WeightSource& source) {
  if (tensor.name.ends_with(".bias")) {
    return TensorRole::bias;
  }
  if (tensor.dimensions.size() < 2) {
    return TensorRole::vector;
  }
  const bool is_table = tensor.name.ends_with("_embd.weight");
  return is_table && !is_tied_head(tensor, source) ? TensorRole::lookup : TensorRole::matrix;
}

void MisfitCounts::add(const WeightTensor& tensor, TensorRole role) {
  const std::int64_t values = tensor.inputs() * tensor.rows();
  switch (role) {
    case TensorRole::matrix:
      if (!tensor.is_readable) {
        throw ConfigError(Location{source_.name()}, quoted(tensor.name), "type " + tensor.type,
                          "F32, F16, BF16, Q4_0, Q4_1, Q8_0, Q4_K, Q6_K or MXFP4");
      }
      tied_ += is_tied_head(tensor, source_) ? values : 0;
      break;
    case TensorRole::bias:
      biases_ += values;
      break;
    case TensorRole::lookup:
      looked_up_ += values;
      break;
    case TensorRole::vector:
      vectors_ += values;
      break;
  }
}

void MisfitCounts::add(const CodedRows& rows) {
  const std::int64_t values = rows.rows * rows.inputs;
  if (!rows.has_codes()) {
    plain_ += values;
    return;
  }
  scales_ += static_cast<std::int64_t>(rows.scales.size());
  minimums_ += static_cast<std::int64_t>(rows.minimums.size());
  if (rows.code_bits > kNeuronCodeBits) {
    wide_codes_ += values;
  } else if (rows.alphabet != doubled_e2m1()) {
    other_alphabet_ += values;
  }
}

std::vector<Misfit> MisfitCounts::list(double error) const {
  const bool exact = policy_ == ScalePolicy::block;
  const std::string rounded =
      fmt::format("one scale per neuron, weights rounded to the chip's values: {:.1f} % error", 100 * error);
  std::vector<Misfit> misfits;
  const auto add_kind = [&](std::int64_t values, const std::string& what, const std::string& handling) {
    if (values > 0) {
      misfits.push_back({what, handling, values});
    }
  };
  add_kind(scales_, "scales of blocks",
           exact ? "a neuron per block; the vector unit scales and adds their results" : rounded);
  add_kind(
      minimums_, "minimums of blocks",
      exact ? "the vector unit adds each times the sum of its block's inputs" : "within the rounded weights");
  add_kind(other_alphabet_, "weights whose codes are other values than the chip's constants",
           exact ? "needs a base die with other constants" : "rounded");
  add_kind(wide_codes_, "codes of more than 4 bits",
           exact ? "two neurons, for the upper and the lower four bits" : "rounded");
  add_kind(plain_, "weights of 16 bits or more",
           exact ? fmt::format("codes of 8 bits in blocks of 32, as two neurons: {:.2f} % error", 100 * error)
                 : "rounded");
  add_kind(biases_, "biases", "kept beside the vector unit, which adds them");
  add_kind(vectors_, "norm gains and other vectors", "kept beside the vector unit");
  add_kind(looked_up_, "embedding table", "read from memory, one row per token");
  add_kind(tied_, "embedding tied to the head", "wired as the head, and kept in memory for look-up as well");
  return misfits;
}

}  // namespace memwall
