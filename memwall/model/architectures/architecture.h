// architecture.h - what a builder of one architecture gets and gives, and the facts most of them share.
//
// To add one: a file here with its build function, its declaration below, a line in architecture.cpp, a card
// in models/ and its published counts in read_model_test.cpp (docs/adding-a-model.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "memwall/core/config_reader.h"
#include "memwall/model/layer_builder.h"
#include "memwall/model/model.h"
#include "memwall/model/weight_formats.h"

namespace memwall {

struct BuildInput {
  Fields& config;  // config.json's mapping (its text_config, where the model is nested)
  const WeightFormats& formats;
  Format kv = Format::bf16;
};

struct Architecture {
  std::string name;     // model_type
  std::string summary;  // for people
  // Fills everything but the model's name, architecture and source. Throws ConfigError.
  void (*build)(const BuildInput& input, Model& model);
};
const std::vector<Architecture>& architectures();

void build_llama(const BuildInput& input, Model& model);
void build_mistral(const BuildInput& input, Model& model);
void build_mixtral(const BuildInput& input, Model& model);
void build_qwen2(const BuildInput& input, Model& model);
void build_qwen3(const BuildInput& input, Model& model);
void build_qwen3_moe(const BuildInput& input, Model& model);
void build_gpt_oss(const BuildInput& input, Model& model);
void build_deepseek_v3(const BuildInput& input, Model& model);
void build_gemma3(const BuildInput& input, Model& model);
void build_gpt2(const BuildInput& input, Model& model);

// Largest values that a config may state: far beyond any model, small enough that no product of two leaves
// 64 bits and no list of layers leaves memory.
inline constexpr std::int64_t kMostLayers = 4096, kMostHeads = 1 << 16, kMostWidth = 1 << 26,
                              kMostExperts = 1 << 16, kMostVocab = 1 << 30, kMostPositions = 1 << 30;

// Sizes that all decoders with rotary positions state in the same words. Also fills the model's own sizes.
struct DecoderSizes {
  std::int64_t hidden = 0, layers = 0, heads = 0, kv_heads = 0, head_dim = 0;
  bool tied = false;
};
struct DecoderDefaults {  // of keys that the architecture's configs may leave out; 0: they may not
  bool tied = false;
  std::int64_t heads = 0, kv_heads = 0, head_dim = 0, vocab = 0;
};
// head_dim falls back to hidden / heads and kv_heads to heads. Refuses heads that kv_heads do not divide.
DecoderSizes read_decoder_sizes(Fields& config, Model& model, const DecoderDefaults& defaults = {});

// experts_per_token under `key`, refused above num_experts.
std::int64_t read_top_k(Fields& config, const std::string& key, std::int64_t num_experts);

// Whether each layer has a window, from layer_types; empty where the config does not list them.
std::vector<bool> read_layer_types(Fields& config, std::int64_t layers);

std::string layer_prefix(std::int64_t layer);  // "model.layers.3."

// A layer of the shape that Llama set: norm, attention, sum, norm, MLP (by `add_mlp`), sum.
template <class AddMlp>
Layer pre_norm_layer(const BuildInput& input, std::int64_t index, std::string kind,
                     const GroupedAttention& attention, AddMlp&& add_mlp) {
  OperatorList ops(input.formats, layer_prefix(index));
  add_norm(ops, "input_norm", OpRole::attention, attention.hidden);
  add_grouped_attention(ops, attention);
  add_residual(ops, "attention_add", OpRole::attention, attention.hidden);
  add_norm(ops, "post_norm", OpRole::ffn, attention.hidden);
  add_mlp(ops);
  add_residual(ops, "ffn_add", OpRole::ffn, attention.hidden);
  return {std::move(kind), ops.take()};
}

}  // namespace memwall
