#include <cctype>
#include <memory>
#include <stdexcept>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/common.h"
#include "cli/verbs.h"
#include "memwall/core/error.h"
#include "memwall/core/unit_text.h"
#include "memwall/report/step_report.h"
#include "memwall/report/variants_report.h"
#include "memwall/serving/open_system.h"
#include "memwall/serving/run_step.h"
#include "memwall/validation/error_bars.h"

namespace memwall {
namespace {

constexpr std::int64_t kLargestSize = std::int64_t{1} << 40;

struct KernelOptions {
  std::string system;
  bool eager = false;
  OutputOptions output;
};

void run_one_kernel(const KernelOptions& options, const std::string& what, const KernelOp& op) {
  options.output.check();
  const OpenSystem open = open_system(options.system, builtin_processors());
  KernelResult result = run_kernel(op, open.system, *open.processor, {options.eager});
  result.error = read_error_bars().of_kernel(op, open.system, result.ledger.time);
  print(
      options.output, [&] { return kernel_table(what, open.system.name, result, ink_for(stdout)); },
      [&] { return kernel_json(what, open.system.name, result); }, "");
}

void list_variants(const KernelOptions& options, const std::string& what, const KernelOp& op) {
  options.output.check();
  const OpenSystem open = open_system(options.system, builtin_processors());
  const std::vector<KernelVariant> variants = open.processor->kernel_variants(op, open.system);
  if (variants.empty()) {
    throw ConfigError("--split", open.system.name, "a chip with arrays that can be cut");
  }
  print(
      options.output, [&] { return variants_table(what, open.system.name, variants); },
      [&] { return variants_json(what, open.system.name, variants); }, "variants");
}

void add_kernel_options(const Verb& verb, KernelOptions* options) {
  verb.required_text("--system", &options->system, "a card in systems/, a path, or NxCHIP such as 1xh100");
  verb.flag("--eager", &options->eager, "launch the kernel by itself instead of from a recorded graph");
  add_output_options(verb, &options->output);
}

// "64MiB" or "64 MiB".
Bytes parse_bytes(const std::string& option, const std::string& text) {
  std::string spaced = text;
  for (std::size_t i = 1; i < spaced.size(); ++i) {
    const auto before = static_cast<unsigned char>(spaced[i - 1]);
    if (std::isdigit(before) != 0 && std::isupper(static_cast<unsigned char>(spaced[i])) != 0) {
      spaced.insert(i, " ");
      break;
    }
  }
  const auto fail = [&] { throw ConfigError(option, quoted(text), "a size above zero such as '64 MiB'"); };
  MeasuredNumber size;
  try {
    size = parse_measured_number(spaced);
  } catch (const std::invalid_argument&) {
    fail();
  }
  if (!size.has_unit || size.dimension != dimension_of(Bytes{}) || size.value <= 0) {
    fail();
  }
  return Bytes(size.value);
}

void add_gemm(const Verb& op) {
  struct Options : KernelOptions {
    GemmOp gemm{.m = 1, .n = 4096, .k = 4096};
    std::string format = "bf16", activation;
    bool split = false;
  };
  const Verb verb = op.verb("gemm", "Y(m,n) = X(m,k) W(k,n)");
  const auto options = std::make_shared<Options>();
  verb.integer("--m", &options->gemm.m, 1, kLargestSize, "rows: tokens");
  verb.integer("--n", &options->gemm.n, 1, kLargestSize, "columns: output features");
  verb.integer("--k", &options->gemm.k, 1, kLargestSize, "reduced: input features");
  verb.text("--format", &options->format, "number format of the weights; default bf16");
  verb.text("--activation", &options->activation, "of the activations; default: what the weights compute in");
  verb.flag("--split", &options->split, "list the ways to cut the chip's arrays for this shape, best first");
  add_kernel_options(verb, options.get());
  verb.examples("  memwall op gemm --system 1xh100 --m 1 --n 4096 --k 4096 --format bf16\n");
  verb.action([options] {
    GemmOp& gemm = options->gemm;
    gemm.format = format_named("--format", options->format);
    gemm.activation = options->activation.empty() ? info(gemm.format).arithmetic
                                                  : format_named("--activation", options->activation);
    const std::string what = fmt::format("gemm m={} n={} k={} {} x {}", gemm.m, gemm.n, gemm.k,
                                         name(gemm.activation), name(gemm.format));
    if (options->split) {
      list_variants(*options, what, gemm);
    } else {
      run_one_kernel(*options, what, gemm);
    }
  });
}

void add_attention(const Verb& op) {
  struct Options : KernelOptions {
    AttentionOp attention{{.heads = 64, .kv_heads = 8, .qk_dim = 128, .v_dim = 128}, {}};
    std::vector<Slice> slices;
    std::int64_t head_dim = 128;
    std::string kv_format = "bf16";
  };
  const Verb verb = op.verb("attention", "Softmax attention over a KV cache");
  const auto options = std::make_shared<Options>();
  Attention& shape = options->attention.shape;
  verb.integer("--heads", &shape.heads, 1, kLargestSize, "query heads");
  verb.integer("--kv-heads", &shape.kv_heads, 1, kLargestSize, "key-value heads, a divisor of the heads");
  verb.integer("--head-dim", &options->head_dim, 1, kLargestSize, "values of a query, key or value head");
  verb.integer("--window", &shape.window, 0, kLargestSize, "keys seen at most; 0: all");
  verb.integer("--latent", &shape.latent, 0, kLargestSize, "width of a latent (MLA) cache; 0: none");
  verb.integer("--rope-dim", &shape.rope_dim, 0, kLargestSize, "rotary part of a latent cache");
  verb.text("--kv-format", &options->kv_format, "number format of the KV cache; default bf16");
  add_slice_options(verb, &options->slices);
  add_kernel_options(verb, options.get());
  verb.examples("  memwall op attention --system 1xh100 --heads 64 --kv-heads 8 --decode 64@4096\n");
  verb.action([options] {
    AttentionOp& attention = options->attention;
    Attention& made = attention.shape;
    if (options->slices.size() != 1) {
      throw ConfigError("op attention", fmt::format("{} slices", options->slices.size()),
                        "one --decode or one --prefill");
    }
    if (made.heads % made.kv_heads != 0) {
      throw ConfigError("--kv-heads", std::to_string(made.kv_heads),
                        fmt::format("a divisor of the {} heads", made.heads));
    }
    attention.slice = options->slices.front();
    made.kv = format_named("--kv-format", options->kv_format);
    made.qk_dim = options->head_dim + made.rope_dim;
    made.v_dim = options->head_dim;
    run_one_kernel(*options,
                   fmt::format("attention {} heads, {} KV heads, dim {}, {} sequences, {} new on {}",
                               made.heads, made.kv_heads, options->head_dim, attention.slice.count,
                               attention.slice.new_tokens, attention.slice.past_tokens),
                   attention);
  });
}

void add_all_reduce(const Verb& op) {
  struct Options : KernelOptions {
    std::string bytes, algorithm = "auto";
    std::int64_t chips = 0;
  };
  const Verb verb = op.verb("allreduce", "Sum of a tensor over chips, result on all of them");
  const auto options = std::make_shared<Options>();
  verb.required_text("--bytes", &options->bytes, "size of the tensor on each chip, such as 64KiB");
  verb.integer("--chips", &options->chips, 0, 1 << 20, "participants; 0: all chips of the system");
  verb.text("--algorithm", &options->algorithm, "auto, custom (one or two shots) or nccl");
  add_kernel_options(verb, options.get());
  verb.examples("  memwall op allreduce --system 8xh100 --bytes 64KiB\n");
  verb.action([options] {
    AllReduceOp all_reduce;
    all_reduce.bytes = parse_bytes("--bytes", options->bytes);
    const int in_system = open_system(options->system, builtin_processors()).system.chips();
    all_reduce.chips = options->chips == 0 ? in_system : static_cast<int>(options->chips);
    if (all_reduce.chips < 2 || all_reduce.chips > in_system) {
      throw ConfigError("--chips", std::to_string(all_reduce.chips),
                        fmt::format("2 or more, at most the system's {}", in_system));
    }
    all_reduce.algorithm = options->algorithm;
    run_one_kernel(*options,
                   fmt::format("allreduce {} over {} chips, {}", to_text(all_reduce.bytes), all_reduce.chips,
                               all_reduce.algorithm),
                   all_reduce);
  });
}

void add_moe(const Verb& op) {
  struct Options : KernelOptions {
    ExpertsOp moe{.shape = {.num_experts = 128, .experts_per_token = 4, .width = 2880, .intermediate = 2880},
                  .tokens = 1,
                  .routing = {}};
    std::int64_t tp = 1, ep = 1;
    std::string format = "bf16", activation, routing = "uniform";
  };
  const Verb verb = op.verb("moe", "Routed experts: each token through top-k two-layer networks");
  const auto options = std::make_shared<Options>();
  Experts& shape = options->moe.shape;
  verb.integer("--experts", &shape.num_experts, 1, 1 << 20, "routed experts");
  verb.integer("--top-k", &shape.experts_per_token, 1, 1 << 20, "experts that each token goes through");
  verb.integer("--hidden", &shape.width, 1, kLargestSize, "width of a token");
  verb.integer("--intermediate", &shape.intermediate, 1, kLargestSize, "inner width of an expert");
  verb.integer("--tokens", &options->moe.tokens, 1, kLargestSize, "tokens in the batch");
  verb.integer("--tp", &options->tp, 1, 1 << 20, "chips that share every expert");
  verb.integer("--ep", &options->ep, 1, 1 << 20, "groups of chips that the experts are divided over");
  verb.text("--format", &options->format, "number format of the weights; default bf16");
  verb.text("--activation", &options->activation, "of the activations; default: what the weights compute in");
  verb.text("--routing", &options->routing, "uniform, power_law:1.2 or histogram:FILE");
  add_kernel_options(verb, options.get());
  verb.examples("  memwall op moe --system 1xb200 --experts 128 --top-k 4 --tokens 64 --format mxfp4\n");
  verb.action([options] {
    ExpertsOp& moe = options->moe;
    Experts& made = moe.shape;
    if (made.experts_per_token > made.num_experts) {
      throw ConfigError("--top-k", std::to_string(made.experts_per_token),
                        fmt::format("at most the {} experts", made.num_experts));
    }
    made.weight = format_named("--format", options->format);
    made.activation = options->activation.empty() ? info(made.weight).arithmetic
                                                  : format_named("--activation", options->activation);
    moe.routing = parse_routing(options->routing);
    moe.tp = static_cast<int>(options->tp);
    moe.ep = static_cast<int>(options->ep);
    run_one_kernel(
        *options,
        fmt::format("moe {} experts, top {}, {} x {}, {} tokens, {}", made.num_experts,
                    made.experts_per_token, made.width, made.intermediate, moe.tokens, name(made.weight)),
        moe);
  });
}

}  // namespace

void add_op(const Verb& root) {
  const Verb verb = root.verb("op", "One kernel on one system: gemm, attention, allreduce, moe");
  verb.examples(
      "  memwall op gemm --system 1xh100 --m 1 --n 4096 --k 4096 --format bf16\n"
      "  memwall op allreduce --system 8xh100 --bytes 64KiB --json\n");
  add_gemm(verb);
  add_attention(verb);
  add_all_reduce(verb);
  add_moe(verb);
}

}  // namespace memwall
