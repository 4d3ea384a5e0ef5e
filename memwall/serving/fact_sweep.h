// fact_sweep.h - the answer to one question while one fact of a system's cards takes one value after another.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "memwall/processors/processor.h"

namespace memwall {

struct SweptAnswer {
  std::string refusal;  // why there is none; empty: there is one
  double value = 0;     // what is asked for: seconds of a step, or a figure in its own unit
  // Of a step only.
  std::string plan, bound_by;
  double tokens_per_s = 0;  // new tokens of all batches in flight
  Joules energy;
};

struct SweptPoint {
  std::string text;      // the fact's value as written
  double value = 0;      // base units
  bool is_card = false;  // the card's own value
  SweptAnswer answer;
};

struct FactSweep {
  std::string card, fact, text;    // file stem, dotted key, the card's value
  std::string unit;                // of the values, "" for a count
  std::vector<SweptPoint> points;  // ascending
};

// What is asked of a system. Throws ConfigError where it cannot be answered: that becomes the refusal.
using SweepQuestion = std::function<SweptAnswer(const System&)>;

// The time of a step, under the plan or the best one.
SweptAnswer ask_step(const Model& model, const Step& step, const System& system, const Processor& processor,
                     const std::optional<Plan>& plan, const LowerOptions& options);
// A figure by name. Throws ConfigError for a name that the system does not have.
SweptAnswer ask_figure(const std::string& name, const System& system, const Processor& processor);

// Facts of the system's cards that have a range: the free parameters.
std::vector<std::string> free_facts(const System& system);

// `values` as in a card ("2 TB/s"), the card's own is added; none: the fact's range, doubling a count and in
// eight even ratios otherwise. Throws ConfigError for a fact that no card has, one without a range when no
// values are given, and values of another unit.
FactSweep sweep_fact(const System& system, const std::string& fact, const std::vector<std::string>& values,
                     const SweepQuestion& ask);

}  // namespace memwall
