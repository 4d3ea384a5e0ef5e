#include "memwall/model/seeded_weights.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/tensor/small_float.h"

namespace memwall {
namespace {

// A well mixed 64-bit word for any counter (splitmix64's finaliser).
std::uint64_t mixed(std::uint64_t counter) {
  counter += 0x9e3779b97f4a7c15;
  counter = (counter ^ counter >> 30) * 0xbf58476d1ce4e5b9;
  counter = (counter ^ counter >> 27) * 0x94d049bb133111eb;
  return counter ^ counter >> 31;
}

// The sum of four 16-bit draws about zero: standard deviation 2^16 / sqrt(3), scaled to 0.018, as trained
// weights have it. Exact in a float.
float bell(std::uint64_t word) {
  std::int64_t sum = -2 * 65535;
  for (int field = 0; field < 4; ++field) {
    sum += static_cast<std::int64_t>(word >> (16 * field) & 0xffff);
  }
  return std::ldexp(static_cast<float>(sum), -21);
}

enum class Coding { none, mxfp4, symmetric };
struct TensorFormat {
  Coding coding = Coding::none;
  int code_bits = 0;
};

TensorFormat format_of(Format format, const std::string& tensor) {
  switch (format) {
    case Format::fp32:
    case Format::bf16:
    case Format::fp16:
      return {};
    case Format::mxfp4:
      return {Coding::mxfp4, 4};
    case Format::q4_0:
    case Format::int4:
    case Format::int4_g64:
    case Format::int4_g32:
      return {Coding::symmetric, 4};
    case Format::q8_0:
    case Format::int8:
      return {Coding::symmetric, 8};
    default:
      throw ConfigError("format", std::string(name(format)) + " of " + quoted(tensor),
                        "bf16, fp16, fp32, mxfp4, q4_0, int4, q8_0 or int8 for weights made from a seed");
  }
}

constexpr std::int64_t kBlock = 32;

std::int64_t block_of(std::int64_t inputs) { return inputs % kBlock == 0 ? kBlock : inputs; }

// Power-of-two scales that bring each block's largest value to E2M1's range (largest 6: exponent 2).
CodedRows to_mxfp4(const CodedRows& plain) {
  constexpr int kLargestExponent = 2;
  const std::int64_t block = block_of(plain.inputs);
  CodedRows rows{plain.rows, plain.inputs, block, 4, doubled_e2m1(), {}, {}, {}, {}};
  for (std::size_t begin = 0; begin < plain.values.size(); begin += static_cast<std::size_t>(block)) {
    const std::size_t end = begin + static_cast<std::size_t>(block);
    float magnitude = 0;
    for (std::size_t i = begin; i < end; ++i) {
      magnitude = std::max(magnitude, std::abs(plain.values[i]));
    }
    const float scale = magnitude > 0 ? std::ldexp(1.0f, std::ilogb(magnitude) - kLargestExponent) : 1.0f;
    rows.scales.push_back(scale / 2);  // codes are doubled
    for (std::size_t i = begin; i < end; ++i) {
      rows.codes.push_back(
          static_cast<std::int8_t>(2 * round_to(SmallFloat::fp4_e2m1, plain.values[i] / scale)));
    }
  }
  return rows;
}

class SeededWeights final : public WeightSource {
 public:
  SeededWeights(const Model& model, std::uint64_t seed)
      : name_(fmt::format("{} (seed {})", model.name, seed)), seed_(seed) {
    for (const Operator& op : model.prologue) {
      add(op, "token_embd");
    }
    std::int64_t layer = 0;
    for (const LayerGroup& group : model.groups) {
      for (std::int64_t run = 0; run < group.repeat; ++run, layer += group.layers_per_repeat) {
        for (const Operator& op : group.operators) {
          add_of_layer(op, layer);
        }
      }
    }
    for (const Operator& op : model.epilogue) {
      add(op, "output");
    }
  }

  const std::string& name() const override { return name_; }
  const std::vector<WeightTensor>& tensors() const override { return tensors_; }

  CodedRows rows(std::size_t index, std::int64_t first, std::int64_t count) const override {
    const WeightTensor& tensor = tensors_.at(index);
    CodedRows plain{count, tensor.inputs(), 1, 0, {}, {}, {}, {}, {}};
    const std::uint64_t base = mixed(mixed(seed_) + index);
    const auto begin = static_cast<std::uint64_t>(first * tensor.inputs());
    const auto values = static_cast<std::uint64_t>(count * tensor.inputs());
    for (std::uint64_t i = 0; i < values; ++i) {
      plain.values.push_back(bell(mixed(base + begin + i)));
    }
    const TensorFormat format = formats_[index];
    switch (format.coding) {
      case Coding::none:
        return plain;
      case Coding::mxfp4:
        return to_mxfp4(plain);
      case Coding::symmetric:
        return quantise_rows(plain, block_of(plain.inputs), format.code_bits);
    }
    throw std::logic_error("[seeded_weights] coding");
  }

 private:
  // Operators of a run that covers several layers end in ".0", ".1"...: "qkv.1".
  void add_of_layer(const Operator& op, std::int64_t first_layer) {
    const std::size_t dot = op.name.rfind('.');
    const bool numbered =
        dot != std::string::npos && op.name.find_first_not_of("0123456789", dot + 1) == std::string::npos;
    const std::int64_t layer = first_layer + (numbered ? std::stoll(op.name.substr(dot + 1)) : 0);
    add(op, fmt::format("blk.{}.{}", layer, numbered ? op.name.substr(0, dot) : op.name));
  }
  void add(const Operator& op, const std::string& stem) {
    if (const auto* embedding = std::get_if<Embedding>(&op.shape)) {
      add_tensor(stem + ".weight", {embedding->width, embedding->vocab}, embedding->weight);
    } else if (const auto* linear = std::get_if<Linear>(&op.shape)) {
      if (!linear->tied) {
        add_tensor(stem + ".weight", {linear->k, linear->n}, linear->weight);
      }
      if (linear->bias) {
        add_tensor(stem + ".bias", {linear->n}, Format::fp32);
      }
    } else if (const auto* experts = std::get_if<Experts>(&op.shape)) {
      const std::int64_t up = experts->intermediate * (experts->gated ? 2 : 1);
      add_tensor(stem + ".up_exps.weight", {experts->width, up, experts->num_experts}, experts->weight);
      add_tensor(stem + ".down_exps.weight", {experts->intermediate, experts->width, experts->num_experts},
                 experts->weight);
      if (experts->bias) {
        add_tensor(stem + ".up_exps.bias", {up, experts->num_experts}, Format::fp32);
        add_tensor(stem + ".down_exps.bias", {experts->width, experts->num_experts}, Format::fp32);
      }
    }
  }
  void add_tensor(const std::string& tensor, std::vector<std::int64_t> dimensions, Format format) {
    formats_.push_back(format_of(format, tensor));
    tensors_.push_back({tensor, std::move(dimensions), std::string(memwall::name(format)), true});
  }

  std::string name_;
  std::uint64_t seed_;
  std::vector<WeightTensor> tensors_;
  std::vector<TensorFormat> formats_;
};

}  // namespace

std::unique_ptr<WeightSource> make_seeded_weights(const Model& model, std::uint64_t seed) {
  return std::make_unique<SeededWeights>(model, seed);
}

}  // namespace memwall
