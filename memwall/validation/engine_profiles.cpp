#include "memwall/validation/engine_profiles.h"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "memwall/core/names.h"
#include "memwall/validation/layer_profile.h"
#include "memwall/validation/table.h"

namespace memwall {
namespace {

const char* const kOrigin = "llmservingsim";
constexpr double kMicrosecond = 1e-6, kNanosecond = 1e-9;

struct ProfiledModel {
  LayerSizes sizes;  // of the dense part: a layer of experts has no wide feed-forward part in it
  std::int64_t vocab = 0;
  std::int64_t experts = 0, experts_per_token = 0, expert_width = 0;  // 0: a dense model
};

// By a name in the file's: what the models' config.json say.
const std::map<std::string, ProfiledModel>& profiled_models() {
  constexpr Format kType = Format::bf16;
  static const std::map<std::string, ProfiledModel> models = {
      {"Llama-3.1-8B", {{4096, 32, 8, 128, 14336, true, 1, kType, kType}, 128256}},
      {"Llama-3.1-70B", {{8192, 64, 8, 128, 28672, true, 1, kType, kType}, 128256}},
      {"Qwen3-30B-A3B-Instruct-2507", {{2048, 32, 4, 128, 1, true, 1, kType, kType}, 151936, 128, 8, 768}}};
  return models;
}

class Profile {
 public:
  Profile(const std::filesystem::path& path, MeasurementSink& sink)
      : name_(path.filename().string()), sink_(sink), table_(read_table(path)) {
    chip_ = card_in(name_);
    const std::size_t tp = name_.rfind("_tp");
    const std::size_t model = tp == std::string::npos ? tp : name_.rfind('_', tp - 1);
    if (model == std::string::npos) {
      throw ConfigError(Location{path.string()}, "name", memwall::quoted(name_), "PART_CHIP_MODEL_tpN.csv");
    }
    const auto found = profiled_models().find(name_.substr(model + 1, tp - model - 1));
    const char degree = name_[tp + 3];
    if (found != profiled_models().end() && degree >= '1' && degree <= '8') {
      model_ = found->second;
      model_->sizes.tp = degree - '0';
    }
  }

  const Table& table() const { return table_; }
  const ProfiledModel& model() const { return *model_; }
  bool is_on(std::string_view chip) const { return *chip_ == chip; }

  // False when every row has been excluded.
  bool can_be_read() const {
    if (chip_ && model_) {
      return true;
    }
    exclude_all(name_ + (chip_ ? ": no sizes of its model" : ": no card of its chip"));
    return false;
  }
  void exclude(const std::string& reason) const { sink_.exclude(kOrigin, reason); }
  void exclude_all(const std::string& reason) const {
    for (std::size_t row = 0; row < table_.rows(); ++row) {
      exclude(reason);
    }
  }
  void take(std::size_t row, KernelOp op, double seconds, int chips = 1) const {
    Measurement measurement;
    measurement.origin = kOrigin;
    measurement.system = fmt::format("{}x{}", chips, *chip_);
    measurement.what = std::vector<KernelUse>{{std::move(op)}};
    measurement.value = seconds;
    measurement.where = table_.where(row);
    sink_.take(measurement);
  }

 private:
  std::string name_;
  MeasurementSink& sink_;
  Table table_;
  std::optional<std::string> chip_;
  std::optional<ProfiledModel> model_;
};

// The kernel of a layer's name, or none.
std::optional<KernelOp> kernel_named(std::string_view layer, std::int64_t rows, const ProfiledModel& model) {
  static const std::map<std::string_view, LayerGemm> gemms = {{"qkv_proj", LayerGemm::qkv},
                                                              {"q_proj", LayerGemm::q},
                                                              {"k_proj", LayerGemm::kv},
                                                              {"v_proj", LayerGemm::kv},
                                                              {"o_proj", LayerGemm::attention_out},
                                                              {"gate_up_proj", LayerGemm::ffn_in},
                                                              {"gate_proj", LayerGemm::ffn_half},
                                                              {"up_proj", LayerGemm::ffn_half},
                                                              {"down_proj", LayerGemm::ffn_out}};
  if (const auto found = gemms.find(layer); found != gemms.end()) {
    return layer_gemm(found->second, rows, model.sizes);
  }
  if (layer == "lm_head") {
    const std::int64_t vocab = std::max<std::int64_t>(1, model.vocab / model.sizes.tp);
    return GemmOp{rows, vocab, model.sizes.hidden, model.sizes.weight, model.sizes.activation};
  }
  return std::nullopt;
}

void read_layers(const Profile& profile, std::string_view rows_title, std::string_view time_title,
                 double unit) {
  const Table& table = profile.table();
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string_view layer = table.required(row, "layer");
    const std::optional<KernelOp> op = kernel_named(layer, table.integer(row, rows_title), profile.model());
    if (op) {
      profile.take(row, *op, unit * table.number(row, time_title));
    } else {
      profile.exclude(fmt::format("no kernel for {} by itself", layer));
    }
  }
}

// Layer by layer, each launched by itself; input: new tokens.
void read_old_layers(const Profile& profile) {
  const Table& table = profile.table();
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string_view layer = table.required(row, "layer_name");
    const std::int64_t tokens = table.integer(row, "input");
    const std::optional<KernelOp> op = kernel_named(layer, tokens, profile.model());
    if (!op) {
      profile.exclude(fmt::format("no kernel for {} by itself", layer));
    } else if (tokens == 1 && profile.is_on("tpu-v6e")) {
      profile.exclude("one token on tpu-v6e: off by 2 both ways by its authors' account");
    } else {
      profile.take(row, *op, kNanosecond * table.number(row, "latency(ns)"));
    }
  }
}

void read_attention(const Profile& profile) {
  const Table& table = profile.table();
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::int64_t chunk = table.integer(row, "prefill_chunk", 0, 0);
    const std::int64_t decodes = table.integer(row, "n_decode", 0, 0);
    if (chunk > 0 && decodes > 0) {
      profile.exclude("prompts and decodes in one kernel");
      continue;
    }
    const Slice slice = chunk > 0
                            ? Slice{1, chunk, table.integer(row, "kv_prefill", 0, 0)}
                            : Slice{table.integer(row, "n_decode"), 1, table.integer(row, "kv_decode", 0, 0)};
    profile.take(row, layer_attention(slice, profile.model().sizes),
                 kMicrosecond * table.number(row, "time_us"));
  }
}

// So many experts that the pairs fall on, all alike.
void read_experts(const Profile& profile) {
  const Table& table = profile.table();
  const ProfiledModel& model = profile.model();
  if (model.experts == 0) {
    profile.exclude_all("experts of a model that has none");
    return;
  }
  for (std::size_t row = 0; row < table.rows(); ++row) {
    ExpertsOp op;
    op.tokens = table.integer(row, "tokens");
    op.shape.num_experts = model.experts;
    op.shape.experts_per_token = model.experts_per_token;
    op.shape.width = model.sizes.hidden;
    op.shape.intermediate = model.expert_width;
    op.tp = static_cast<int>(model.sizes.tp);
    op.rows = ExpertRows::gathered;
    const std::int64_t active = table.integer(row, "activated_experts");
    const std::int64_t pairs = op.tokens * model.experts_per_token;
    if (active > std::min(model.experts, pairs)) {
      throw ConfigError(table.where(row), "activated_experts", std::to_string(active),
                        "at most the experts, and the tokens times the experts of each");
    }
    op.routing.kind = Routing::Kind::dealt;
    op.routing.histogram.resize(static_cast<std::size_t>(model.experts));
    for (std::int64_t i = 0; i < active; ++i) {
      const std::int64_t share = pairs / active + (i < pairs % active ? 1 : 0);
      op.routing.histogram[static_cast<std::size_t>(i)] = static_cast<double>(share);
    }
    profile.take(row, op, kMicrosecond * table.number(row, "time_us"), op.tp);
  }
}

void read_one(const std::filesystem::path& path, MeasurementSink& sink) {
  const std::string name = path.filename().string();
  if (name.starts_with("vllm_run_")) {
    sink.exclude(kOrigin, name + ": requests over time, which one step does not say");
    return;
  }
  const Profile profile(path, sink);
  if (!profile.can_be_read()) {
    return;
  }
  if (name.starts_with("dense_")) {
    read_layers(profile, "tokens", "time_us", kMicrosecond);
  } else if (name.starts_with("per_sequence_")) {
    read_layers(profile, "sequences", "time_us", kMicrosecond);
  } else if (name.starts_with("attention_")) {
    read_attention(profile);
  } else if (name.starts_with("moe_")) {
    read_experts(profile);
  } else if (name.starts_with("v0_layers_")) {
    read_old_layers(profile);
  } else if (name.starts_with("v0_attention_")) {
    profile.exclude_all("attention of an older engine: keys not split, and batches faster than one sequence");
  } else if (name.starts_with("skew_")) {
    profile.exclude_all("sequences of unequal lengths in one kernel");
  } else {
    profile.exclude_all(name + ": no reader for such a table");
  }
}

}  // namespace

void read_engine_profiles(const std::filesystem::path& folder, MeasurementSink& sink) {
  for (const std::filesystem::path& path : tables_in(folder)) {
    read_one(path, sink);
  }
}

}  // namespace memwall
