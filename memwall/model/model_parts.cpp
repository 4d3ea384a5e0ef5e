#include "memwall/model/model_parts.h"

#include <algorithm>

namespace memwall {
namespace {

std::vector<Operator> with_roles(const std::vector<Operator>& operators, const std::set<OpRole>& roles) {
  std::vector<Operator> kept;
  std::copy_if(operators.begin(), operators.end(), std::back_inserter(kept),
               [&](const Operator& op) { return roles.contains(op.role); });
  return kept;
}

// The model's name and sizes, without operators.
Model empty_like(const Model& model) {
  Model part = model;
  part.prologue.clear();
  part.groups.clear();
  part.epilogue.clear();
  return part;
}

}  // namespace

Model part_of(const Model& model, const std::set<OpRole>& roles) {
  Model part = empty_like(model);
  part.prologue = with_roles(model.prologue, roles);
  part.epilogue = with_roles(model.epilogue, roles);
  for (LayerGroup group : model.groups) {
    group.operators = with_roles(group.operators, roles);
    if (!group.operators.empty()) {
      part.groups.push_back(std::move(group));
    }
  }
  return part;
}

Model prologue_of(const Model& model) {
  Model part = empty_like(model);
  part.prologue = model.prologue;
  return part;
}
Model epilogue_of(const Model& model) {
  Model part = empty_like(model);
  part.epilogue = model.epilogue;
  return part;
}
Model one_run_of(const Model& model, const LayerGroup& group) {
  Model part = empty_like(model);
  part.groups = {group};
  part.groups.front().repeat = 1;
  return part;
}

}  // namespace memwall
