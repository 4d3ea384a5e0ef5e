#include "memwall/processors/lpu/vector_chain.h"

#include <algorithm>
#include <cassert>

namespace memwall {

VectorChain::Operand VectorChain::from(const LaneVector& value, Hemisphere preferred) {
  const Hemisphere other = preferred == Hemisphere::east ? Hemisphere::west : Hemisphere::east;
  const Hemisphere side = value.is_on(preferred) ? preferred : other;
  sources_.push_back({ChainSource::Kind::value, &value, side, 0, value.type, 0, -1});
  return {static_cast<int>(sources_.size()) - 1};
}

VectorChain::Operand VectorChain::from_array(Hemisphere side, int plane, LaneType type) {
  sources_.push_back({ChainSource::Kind::array, nullptr, side, plane, type, 0, 0});
  return {static_cast<int>(sources_.size()) - 1};
}

VectorChain::Operand VectorChain::permuted(const LaneVector& value, Hemisphere side, int unit, int table) {
  sources_.push_back({ChainSource::Kind::permuted, &value, side, unit, value.type, table, 0});
  return {static_cast<int>(sources_.size()) - 1};
}

VectorChain::Operand VectorChain::constant(float value) {
  Operand operand;
  operand.is_constant = true;
  operand.constant = value;
  return operand;
}

// The level at which an operand is there: -1 for what can come at any.
int VectorChain::level_of(const Operand& operand) const {
  if (operand.node >= 0) {
    return nodes_[static_cast<std::size_t>(operand.node)].level + 1;
  }
  return operand.source >= 0 ? sources_[static_cast<std::size_t>(operand.source)].level : -1;
}

VectorChain::Operand VectorChain::raised(Operand operand, int level) {
  if (operand.source >= 0 && level_of(operand) < 0) {
    sources_[static_cast<std::size_t>(operand.source)].level = level;
  }
  for (int at = level_of(operand); at >= 0 && at < level; ++at) {
    nodes_.push_back({AluOp::copy, at, operand, {}});
    operand = {-1, static_cast<int>(nodes_.size()) - 1};
  }
  return operand;
}

VectorChain::Operand VectorChain::apply(AluOp op, Operand a, Operand b) {
  const int level = std::max({0, level_of(a), level_of(b)});
  a = raised(a, level);
  b = raised(b, level);
  nodes_.push_back({op, level, a, b});
  return {-1, static_cast<int>(nodes_.size()) - 1};
}

void VectorChain::write(Operand node, LaneVector& value) {
  assert(node.node >= 0);
  outputs_.push_back({node.node, &value});
}

}  // namespace memwall
