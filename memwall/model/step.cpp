#include "memwall/model/step.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "memwall/core/error.h"

namespace memwall {
namespace {

// The residual stream and what passes between kernels is 16 bits wide; a GEMM with narrower inputs still
// writes that.
constexpr Format kStream = Format::bf16;
constexpr std::int64_t kMostTokens = std::int64_t{1} << 40;

double real(std::int64_t value) { return static_cast<double>(value); }

Format result_format(Format activation) {
  return info(activation).bits < info(kStream).bits ? kStream : activation;
}

// An integer from `least` to 2^40 that is all of `text`.
std::optional<std::int64_t> whole_number(std::string_view text, std::int64_t least) {
  std::int64_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || rest != text.data() + text.size() || value < least || value > kMostTokens) {
    return std::nullopt;
  }
  return value;
}

// Keys that one sequence's new tokens read from the cache: all, or those that some window reaches.
double keys_read(const Slice& slice, std::int64_t window) {
  const std::int64_t context = slice.past_tokens + slice.new_tokens;
  return real(window > 0 ? std::min(context, window - 1 + slice.new_tokens) : context);
}

}  // namespace

std::int64_t Step::sequences() const {
  std::int64_t sum = 0;
  for (const Slice& slice : slices) {
    sum += slice.count;
  }
  return sum;
}

std::int64_t Step::new_tokens() const {
  std::int64_t sum = 0;
  for (const Slice& slice : slices) {
    sum += slice.count * slice.new_tokens;
  }
  return sum;
}

std::int64_t Step::logits() const {
  std::int64_t sum = 0;
  for (const Slice& slice : slices) {
    sum += slice.count * slice.logits;
  }
  return sum;
}

Slice parse_decode(const std::string& text) {
  const std::size_t at = text.find('@');
  if (at != std::string::npos) {
    const auto count = whole_number(std::string_view(text).substr(0, at), 1);
    const auto past = whole_number(std::string_view(text).substr(at + 1), 0);
    if (count && past) {
      return {*count, 1, *past};
    }
  }
  throw ConfigError("decode", quoted(text), "SEQUENCES@CONTEXT such as '64@4096', up to 2^40 each");
}

Slice parse_prefill(const std::string& text) {
  const std::size_t at = text.find('@');
  if (at != std::string::npos) {
    const std::string_view tokens = std::string_view(text).substr(at + 1);
    const std::size_t plus = tokens.find('+');
    const auto count = whole_number(std::string_view(text).substr(0, at), 1);
    const auto fresh = whole_number(tokens.substr(0, plus), 1);
    const auto past = plus == std::string_view::npos ? std::optional<std::int64_t>(0)
                                                     : whole_number(tokens.substr(plus + 1), 0);
    if (count && fresh && past) {
      return {*count, *fresh, *past};
    }
  }
  throw ConfigError("prefill", quoted(text),
                    "SEQUENCES@TOKENS or SEQUENCES@TOKENS+PAST such as '1@8192' or '4@512+7680', up to 2^40 "
                    "each");
}

void verify(const Step& step, const Model& model) {
  if (step.slices.empty()) {
    throw ConfigError("batch", "no sequence", "at least one, such as decode '1@4096'");
  }
  double tokens = 0;
  for (const Slice& slice : step.slices) {
    if (slice.count < 1 || slice.new_tokens < 1 || slice.past_tokens < 0) {
      throw ConfigError("batch",
                        std::to_string(slice.count) + " sequences of " + std::to_string(slice.new_tokens) +
                            " new and " + std::to_string(slice.past_tokens) + " past tokens",
                        "at least 1 sequence, 1 new and 0 past tokens");
    }
    if (slice.logits < 1 || slice.logits > slice.new_tokens) {
      throw ConfigError("batch", std::to_string(slice.logits) + " logits of a sequence",
                        "1 to its " + std::to_string(slice.new_tokens) + " new tokens");
    }
    const double context = real(slice.new_tokens) + real(slice.past_tokens);
    tokens += real(slice.count) * context;
    if (tokens > real(kMostTokens)) {
      throw ConfigError("batch", "more than 2^40 tokens", "a batch that can exist");
    }
    if (model.max_positions > 0 && context > real(model.max_positions)) {
      throw ConfigError("batch", "a context of " + std::to_string(slice.new_tokens + slice.past_tokens),
                        "at most the " + std::to_string(model.max_positions) + " tokens of " + model.name);
    }
  }
  if (step.routing.kind != Routing::Kind::histogram && step.routing.kind != Routing::Kind::dealt) {
    return;
  }
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    const auto* experts = std::get_if<Experts>(&op.shape);
    if (experts != nullptr &&
        experts->num_experts != static_cast<std::int64_t>(step.routing.histogram.size())) {
      throw ConfigError("routing", "a histogram of " + std::to_string(step.routing.histogram.size()),
                        "the " + std::to_string(experts->num_experts) + " experts of " + model.name);
    }
  });
}

double attended_keys(const Slice& slice, std::int64_t window) {
  // Token j of n sees past + j + 1 keys, or `window` once that is less: a triangle, then a rectangle.
  const std::int64_t rising = window > 0
                                  ? std::clamp<std::int64_t>(window - slice.past_tokens, 0, slice.new_tokens)
                                  : slice.new_tokens;
  const double triangle = real(rising) * real(slice.past_tokens) + real(rising) * (real(rising) + 1) / 2;
  const double rectangle = real(slice.new_tokens - rising) * real(window);
  return real(slice.count) * (triangle + rectangle);
}

namespace {

class OperatorWork {
 public:
  OperatorWork(const Operator& op, const Step& step)
      : role_(op.role), step_(step), tokens_(real(step.new_tokens())), logits_(real(step.logits())) {}

  OpWork operator()(const Embedding& shape) const {
    const double tables = shape.positions > 0 ? 2 : 1;
    OpWork work;
    work.m = tokens_;
    work.n = real(shape.width);
    work.weight_read = bytes_of(tables * work.m * work.n, shape.weight);
    work.activation_written = bytes_of(work.m * work.n, kStream);
    return work;
  }
  OpWork operator()(const Norm& shape) const {
    const double width = real(shape.width * shape.groups);
    OpWork work = pointwise(width, width);
    work.weight_read = bytes_of(real(shape.width) * (shape.layer_norm ? 2 : 1), kStream);
    return work;
  }
  OpWork operator()(const Linear& shape) const {
    OpWork work;
    work.m = rows();
    work.n = real(shape.n);
    work.k = real(shape.k);
    work.macs = work.m * work.n * work.k;
    work.weight_read = bytes_of(work.n * work.k, shape.weight) + bytes_of(shape.bias ? work.n : 0, kStream);
    work.activation_read = bytes_of(work.m * work.k, shape.activation);
    work.activation_written = bytes_of(work.m * work.n, result_format(shape.activation));
    return work;
  }
  OpWork operator()(const Rope& shape) const {
    const double width = real(shape.heads * shape.dim);
    return pointwise(width, width);
  }
  OpWork operator()(const Attention& shape) const {
    OpWork work;
    const double heads = real(shape.heads);
    double pairs = 0, pair_widths = 0, queries = 0, results = 0, cached = 0;
    for (const Slice& slice : step_.slices) {
      const double seen = attended_keys(slice, shape.window);
      const double fresh = real(slice.count * slice.new_tokens);
      double qk = real(shape.qk_dim), v = real(shape.v_dim);
      double macs = seen * heads * (qk + v);
      if (shape.is_latent()) {
        // Expanding turns the latents of the past into keys and values; those of new tokens are counted by
        // the projection that makes them.
        const double per_past = real(shape.latent) * heads * (qk - real(shape.rope_dim) + v);
        macs += real(slice.count * slice.past_tokens) * per_past;
        const double latent_qk = real(shape.latent + shape.rope_dim), latent_v = real(shape.latent);
        const double in_latent_space = seen * heads * (latent_qk + latent_v);
        if (in_latent_space < macs) {
          macs = in_latent_space;
          qk = latent_qk;
          v = latent_v;
        }
      }
      work.macs += macs;
      pairs += seen;
      pair_widths += seen * qk;
      queries += fresh * heads * qk;
      results += fresh * heads * v;
      cached += real(slice.count) * keys_read(slice, shape.window);
    }
    const double per_token = real(shape.kv_values_per_token());
    work.m = tokens_;
    work.n = pairs / tokens_;
    work.k = heads * pair_widths / pairs;
    work.kv_read = bytes_of(cached * per_token, shape.kv);
    work.kv_written = bytes_of(tokens_ * per_token, shape.kv);
    work.weight_read = bytes_of(shape.sinks ? heads : 0, kStream);
    work.activation_read = bytes_of(queries, shape.activation);
    work.activation_written = bytes_of(results, result_format(shape.activation));
    return work;
  }
  OpWork operator()(const Activation& shape) const {
    return pointwise(real(shape.width) * (shape.gated ? 2 : 1), real(shape.width));
  }
  OpWork operator()(const ResidualAdd& shape) const {
    return pointwise(2 * real(shape.width), real(shape.width));
  }
  OpWork operator()(const Experts& shape) const {
    const double hidden = real(shape.intermediate), width = real(shape.width);
    OpWork work;
    work.m = tokens_ * real(shape.experts_per_token);
    work.n = hidden * (shape.gated ? 2 : 1);
    work.k = width;
    work.macs = work.m * real(shape.values_per_expert());
    work.distinct_experts =
        expected_distinct_experts(shape.num_experts, shape.experts_per_token, tokens_, step_.routing);
    work.weight_read = (bytes_of(real(shape.values_per_expert()), shape.weight) +
                        bytes_of(real(shape.biases_per_expert()), kStream)) *
                       work.distinct_experts;
    // In: the token and, for the second layer, the activated values. Between them the activation.
    work.activation_read =
        bytes_of(work.m * (width + hidden), shape.activation) + bytes_of(work.m * work.n, kStream);
    work.activation_written = bytes_of(work.m * (work.n + width), result_format(shape.activation)) +
                              bytes_of(work.m * hidden, shape.activation);
    return work;
  }
  OpWork operator()(const Sampler& shape) const {
    OpWork work;
    work.m = logits_;
    work.n = real(shape.vocab);
    work.activation_read = bytes_of(work.m * work.n, kStream);
    return work;
  }

 private:
  double rows() const { return role_ == OpRole::head ? logits_ : tokens_; }
  OpWork pointwise(double values_read, double values_written) const {
    OpWork work;
    work.m = rows();
    work.n = values_written;
    work.activation_read = bytes_of(work.m * values_read, kStream);
    work.activation_written = bytes_of(work.m * values_written, kStream);
    return work;
  }

  OpRole role_;
  const Step& step_;
  double tokens_, logits_;
};

}  // namespace

OpWork work(const Operator& op, const Step& step) { return std::visit(OperatorWork(op, step), op.shape); }

}  // namespace memwall
