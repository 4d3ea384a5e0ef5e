// random_model.h - models of many shapes for property tests, through the same door as real ones: a random
// config.json of a random architecture, read by read_model.
#pragma once

#include <filesystem>

#include <fmt/format.h>

#include "memwall/core/output_file.h"
#include "memwall/model/read_model.h"
#include "tests/support/check_property.h"

namespace memwall {

// Keys that every architecture but GPT-2 writes alike. Heads are powers of two so that they divide over
// chips.
inline std::string any_decoder_sizes() {
  const int heads = 8 << pick(0, 4);
  const int kv_heads = heads >> pick(0, 4);
  const int head_dim = 32 << pick(0, 3);
  return fmt::format(
      R"("hidden_size": {}, "num_hidden_layers": {}, "num_attention_heads": {}, "num_key_value_heads": {},
      "head_dim": {}, "vocab_size": {}, "max_position_embeddings": 131072, "tie_word_embeddings": {},)",
      256 * pick(1, 33), pick(1, 9), heads, kv_heads, head_dim, 1024 * pick(1, 129), pick(0, 2) == 0);
}

inline std::string any_quantization() {
  return *rc::gen::element<std::string>(
      "", R"(, "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]})",
      R"(, "quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128})");
}

inline std::string any_experts(const std::string& count_key) {
  const int experts = 8 << pick(0, 5);
  return fmt::format(R"("{}": {}, "num_experts_per_tok": {})", count_key, experts, pick(1, 9));
}

inline std::string any_config() {
  const int intermediate = 256 * pick(1, 65);
  switch (pick(0, 6)) {
    case 0:
      return fmt::format(R"({{"model_type": "llama", {} "intermediate_size": {}{}}})", any_decoder_sizes(),
                         intermediate, any_quantization());
    case 1:
      return fmt::format(R"({{"model_type": "mixtral", {} "intermediate_size": {}, {}}})",
                         any_decoder_sizes(), intermediate, any_experts("num_local_experts"));
    case 2:
      return fmt::format(
          R"({{"model_type": "qwen3_moe", {} "intermediate_size": {}, "moe_intermediate_size": {}, {}{}}})",
          any_decoder_sizes(), intermediate, 128 * pick(1, 17), any_experts("num_experts"),
          any_quantization());
    case 3:
      return fmt::format(
          R"({{"model_type": "gpt_oss", {} "intermediate_size": {}, "sliding_window": 128, "attention_bias": true,
          "quantization_config": {{"quant_method": "mxfp4", "modules_to_not_convert":
          ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]}}, {}}})",
          any_decoder_sizes(), intermediate, any_experts("num_local_experts"));
    case 4:
      return fmt::format(
          R"({{"model_type": "deepseek_v3", {} "intermediate_size": {}, "moe_intermediate_size": {},
          "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
          "v_head_dim": 128, "n_shared_experts": {}, "first_k_dense_replace": 1, {}{}}})",
          any_decoder_sizes(), intermediate, 128 * pick(1, 17), pick(0, 2), any_experts("n_routed_experts"),
          any_quantization());
    default:
      return fmt::format(
          R"({{"model_type": "gemma3_text", {} "intermediate_size": {}, "sliding_window": {},
          "sliding_window_pattern": {}}})",
          any_decoder_sizes(), intermediate, 128 << pick(0, 4), pick(2, 7));
  }
}

inline Model any_model() {
  const std::string config = any_config();
  RC_LOG() << config << "\n";
  const auto file = std::filesystem::path(testing::TempDir()) /
                    (std::string("memwall_") + testing::UnitTest::GetInstance()->current_test_info()->name() +
                     "_config.json");
  write_whole_file(file, config);
  return read_model(file.string());
}

}  // namespace memwall
