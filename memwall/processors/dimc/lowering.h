// lowering.h - a decoder step on compute-in-memory chiplets.
//
// The program shows one chiplet; all of one copy do the same. Every operator is a task or two after the one
// before it. A matrix section occupies the cores, the reload ports and, in capacity mode, LPDDR at once: it
// lasts as long as the slowest, and beside that what the closed form of core_shape.h loses to filling,
// draining and unequal shares of tiles. Attention is two sections whose matrices are the cached keys and
// values. A sum over chiplets that a row-split section leaves open is closed by one all-reduce, a reduction
// up the levels and a gather down; the residual stream between the two is held in equal parts, so norms and
// residual sums take 1 / C of the tokens each.
//
// Every exchange costs the latency of each level it crosses, its bytes on each level's link, and once
// `collective_overhead`, which the bound clock leaves out.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "memwall/processors/dimc/card.h"
#include "memwall/processors/dimc/levels.h"
#include "memwall/processors/dimc/placement.h"
#include "memwall/processors/dimc/resources.h"
#include "memwall/processors/dimc/section.h"
#include "memwall/processors/processor.h"

namespace memwall {

// Appends the tasks of one chiplet to a block, each after the one before it.
class DimcTasks {
 public:
  DimcTasks(const DimcCard& card, const DimcResources& resources, Block& block)
      : card_(card), resources_(resources), block_(block) {}

  // `category` of what is reloaded: weights, or cache. `held_bytes`: what LPDDR is read for, 0 when all is in
  // SRAM.
  void section(std::int32_t label, const Section& section, std::int32_t cores, Category category,
               Bytes lpddr_bytes);
  void vector(std::int32_t label, double values, double passes);
  // Reads or writes of memory alone: embedding rows, new keys and values.
  void memory(std::int32_t label, Bytes bytes, bool in_sram, Category category);
  void all_reduce(std::int32_t label, const std::vector<Level>& levels, double values);
  void gather(std::int32_t label, const std::vector<Level>& levels, double values, double bytes_per_value);
  // To the next stage of a pipeline, every chiplet its part.
  void send(std::int32_t label, LinkKind link, double values_per_chiplet);

 private:
  Task& append(std::int32_t label);
  void hop(std::int32_t label, const Level& level, double bytes, bool first);

  const DimcCard& card_;
  const DimcResources& resources_;
  Block& block_;
};

class DimcModel : public PlacedModel {
 public:
  DimcModel(const DimcCard& card, const Model& model, const Plan& plan);

  void lower(const Step& step, Program& program) const override;
  double batches_in_flight() const override { return plan_.pp; }

 private:
  enum class Kind {
    embedding,
    norm,
    linear,
    rope,
    attention,
    activation,
    residual,
    experts,
    sampler,
    all_reduce,
    send
  };
  struct Item {
    Kind kind = Kind::norm;
    std::int32_t label = 0;
    Operator op;
    std::int32_t cores = -1;
    int weight_bits = 8, activation_bits = 8;
    double n = 0, k = 0;  // of this chiplet
    CacheShare cache;
    std::vector<Level> cache_levels;  // over which the ranges of a head meet
    LinkKind link = LinkKind::scale_up;
  };
  struct BlockPlan {
    std::string name;
    std::int64_t repeat = 1;
    std::vector<Item> items;
  };
  struct Batch;

  std::int32_t label(const std::string& text);
  Item& add(BlockPlan& block, Kind kind, const std::string& label_text, const Operator& op);
  void plan_operators(const std::string& name, std::int64_t repeat, const std::vector<Operator>& operators);
  void plan_operator(BlockPlan& block, const Operator& op);
  void plan_send(int stage);
  void lower(const Item& item, const Batch& batch, const Step& step, DimcTasks& tasks) const;
  void lower_attention(const Item& item, const Batch& batch, const Step& step, DimcTasks& tasks) const;
  void lower_experts(const Item& item, const Batch& batch, const Step& step, DimcTasks& tasks) const;
  Bytes from_lpddr(double values, int bits) const;

  DimcCard card_;
  Plan plan_;
  Residence residence_;
  double chiplets_ = 1;  // of one copy of a stage
  double hidden_ = 0;
  DimcResources resources_;
  std::vector<Level> levels_;
  std::vector<std::string> labels_;
  std::vector<BlockPlan> blocks_;
};

}  // namespace memwall
