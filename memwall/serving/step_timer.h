// step_timer.h - times the steps of one model on one system under one plan.
//
// What is above the pipeline (races, sweeps, traffic) asks it for the time or the ledger of one step after
// another; it keeps the loaded model, one Program and one clock, so a step costs no allocation after the
// first.
#pragma once

#include <memory>

#include "memwall/processors/placement.h"
#include "memwall/processors/processor.h"
#include "memwall/program/clock.h"
#include "memwall/program/ledger.h"

namespace memwall {

class StepTimer {
 public:
  // Places and loads. A pipeline holds the caches of every batch in flight: when the loaded model serves more
  // than one, it is placed once more for as many of them as `need.sequences` times that number, or for as
  // many as fit. Throws ConfigError for a plan that does not divide.
  StepTimer(const Model& model, const System& system, const Processor& processor, const Plan& plan,
            const Need& need, const LowerOptions& options);

  const Placement& placement() const { return placement_; }
  bool fits() const { return placement_.fits; }

  // Steps of need.sequences that overlap, the timed one included; 1 or more. REQUIRES (as all below): fits().
  double batches_in_flight() const { return batches_in_flight_; }

  Seconds time(const Step& step);  // by the schedule clock, within the power limit
  Seconds bound(const Step& step);
  // The ledger and, until the next call, the program behind it.
  Ledger ledger(const Step& step);
  const Program& program() const { return program_; }

 private:
  Placement placement_;
  std::unique_ptr<PlacedModel> loaded_;
  double batches_in_flight_ = 1;
  Program program_;
  ScheduleClock clock_;
};

}  // namespace memwall
