// model_parts.h - a model without some of its operators: what one pool of a disaggregated system holds or
// runs.
//
// A part is a Model like any other (its weights and cache can be counted, placed and lowered), but no
// network: verify() may refuse it.
#pragma once

#include <set>

#include "memwall/model/model.h"

namespace memwall {

// Only the operators of these roles. Groups that have none left are dropped.
Model part_of(const Model& model, const std::set<OpRole>& roles);

// Only what runs before the first layer, only what runs after the last, one run of a group's operators.
Model prologue_of(const Model& model);
Model epilogue_of(const Model& model);
Model one_run_of(const Model& model, const LayerGroup& group);

}  // namespace memwall
