// wiring.h - the network that is in the wires: its layers as the hardwired family divides them.
//
// Also the test whether another model is that network. Number formats are left out of it: the wires hold the
// weights in the chip's own format, whatever a checkpoint stores.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "memwall/model/model.h"

namespace memwall {

struct WiredLayer {
  std::int64_t heads = 0, kv_heads = 0, qk_dim = 0, v_dim = 0;
  std::int64_t window = 0;  // 0: all keys
  bool has_rope = false;
  std::int64_t router_outputs = 0;  // 0 for a dense layer
  std::int64_t num_experts = 0, experts_per_token = 0;
  std::int64_t up_outputs = 0;    // of one network: gate and up together
  std::int64_t intermediate = 0;  // inputs of the down projection of one network
  bool operator==(const WiredLayer&) const = default;

  std::int64_t kv_values_per_token() const { return kv_heads * (qk_dim + v_dim); }
};

struct WiredGroup {
  std::string name;
  std::int64_t repeat = 1;
  std::vector<WiredLayer> layers;  // of one repetition
};

struct WiredNetwork {
  std::int64_t hidden = 0, vocab = 0, layers = 0;
  Bytes embedding;  // the table, as stored
  std::vector<WiredGroup> groups;
};

// Throws ConfigError for a layer that is not grouped-query attention followed by one network or by routed
// experts.
WiredNetwork wiring_of(const Model& model);

// Empty when both compute the same network but for number formats and names; else the first difference, such
// as "hidden size 4096, not 2880".
std::string shape_difference(const Model& model, const Model& wired);

}  // namespace memwall
