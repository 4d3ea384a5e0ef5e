#include "memwall/model/gguf_names.h"

#include <stdexcept>
#include <string>

namespace memwall {
namespace {

const std::vector<KeyPair> kDecoder = {
    {"embedding_length", "hidden_size"},
    {"block_count", "num_hidden_layers"},
    {"attention.head_count", "num_attention_heads"},
    {"attention.head_count_kv", "num_key_value_heads", false},
    {"context_length", "max_position_embeddings", false},
};

std::vector<KeyPair> decoder_and(std::vector<KeyPair> more) {
  more.insert(more.begin(), kDecoder.begin(), kDecoder.end());
  return more;
}

constexpr KeyPair kHeadDim{"attention.key_length", "head_dim", false};
constexpr KeyPair kIntermediate{"feed_forward_length", "intermediate_size"};
constexpr KeyPair kTopK{"expert_used_count", "num_experts_per_tok"};

constexpr TensorPair kTensors[] = {
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"},
    {"self_attn.q_a_proj", "attn_q_a"},
    {"self_attn.q_b_proj", "attn_q_b"},
    {"self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa"},
    {"self_attn.kv_b_proj", "attn_kv_b", "attn_k_b"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
    {"mlp.gate", "ffn_gate_inp"},
    {"mlp.router", "ffn_gate_inp"},
    {"mlp.experts.0.gate_proj", "ffn_gate_exps"},
    {"mlp.experts.0.up_proj", "ffn_up_exps"},
    {"mlp.experts.0.down_proj", "ffn_down_exps"},
    {"mlp.shared_experts.gate_proj", "ffn_gate_shexp"},
    {"mlp.shared_experts.up_proj", "ffn_up_shexp"},
    {"mlp.shared_experts.down_proj", "ffn_down_shexp"},
    {"block_sparse_moe.gate", "ffn_gate_inp"},
    {"block_sparse_moe.experts.0.w1", "ffn_gate_exps", "ffn_gate.0"},
    {"block_sparse_moe.experts.0.w3", "ffn_up_exps", "ffn_up.0"},
    {"block_sparse_moe.experts.0.w2", "ffn_down_exps", "ffn_down.0"},
    {"attn.c_attn", "attn_qkv"},
    {"attn.c_proj", "attn_output"},
    {"mlp.c_fc", "ffn_up"},
    {"mlp.c_proj", "ffn_down"},
};

}  // namespace

const std::vector<GgufArchitecture>& gguf_architectures() {
  static const std::vector<GgufArchitecture> known = {
      {"llama", "llama", decoder_and({kHeadDim, kIntermediate})},
      {"llama", "mixtral",
       decoder_and({kHeadDim, kIntermediate, {"expert_count", "num_local_experts"}, kTopK})},
      {"qwen2", "qwen2", decoder_and({kHeadDim, kIntermediate})},
      {"qwen3", "qwen3", decoder_and({kHeadDim, kIntermediate})},
      {"qwen3moe", "qwen3_moe",
       decoder_and({kHeadDim,
                    {"expert_feed_forward_length", "moe_intermediate_size"},
                    {"expert_count", "num_experts"},
                    kTopK})},
      {"gpt-oss", "gpt_oss",
       decoder_and({kHeadDim,
                    {"expert_feed_forward_length", "intermediate_size"},
                    {"expert_count", "num_local_experts"},
                    kTopK,
                    {"attention.sliding_window", "sliding_window"}})},
      {"deepseek2", "deepseek_v3",
       decoder_and({kIntermediate,
                    {"expert_feed_forward_length", "moe_intermediate_size"},
                    {"expert_count", "n_routed_experts"},
                    {"expert_shared_count", "n_shared_experts", false},
                    kTopK,
                    {"leading_dense_block_count", "first_k_dense_replace", false},
                    {"attention.q_lora_rank", "q_lora_rank", false},
                    {"attention.kv_lora_rank", "kv_lora_rank"},
                    {"rope.dimension_count", "qk_rope_head_dim"}})},
      {"gemma3", "gemma3_text",
       decoder_and({kHeadDim, kIntermediate, {"attention.sliding_window", "sliding_window"}})},
      {"gpt2",
       "gpt2",
       {{"embedding_length", "n_embd"},
        {"block_count", "n_layer"},
        {"attention.head_count", "n_head"},
        {"context_length", "n_positions"},
        {"feed_forward_length", "n_inner", false}}},
  };
  return known;
}

const TensorPair& gguf_tensor_of(std::string_view module) {
  for (const TensorPair& pair : kTensors) {
    if (module == pair.module) {
      return pair;
    }
  }
  throw std::logic_error("[gguf] no tensor for module " + std::string(module));
}

}  // namespace memwall
