// test_support.h - what the tests of this folder share: the real cards, edited ones, and a program timed both
// ways.
#pragma once

#include <memory>
#include <string>

#include "memwall/hardware/system.h"
#include "memwall/model/read_model.h"
#include "memwall/processors/dimc/card.h"
#include "memwall/processors/dimc/dimc.h"
#include "memwall/processors/dimc/lowering.h"
#include "memwall/program/clock.h"
#include "memwall/program/ledger.h"

namespace memwall::dimc_test {

inline DimcCard card_named(const std::string& chip) { return read_dimc_card(read_system("1x" + chip)); }

inline Step decode(std::int64_t sequences, std::int64_t context) { return {{{sequences, 1, context}}, {}}; }
inline Step prefill(std::int64_t sequences, std::int64_t tokens) { return {{{sequences, tokens, 0}}, {}}; }

struct Timed {
  Program program;
  Ledger ledger;
  double seconds() const { return ledger.time.value; }
  double charged(const std::string& resource) const {
    for (const ResourceLine& line : ledger.resources) {
      if (line.resource == resource) {
        return line.charged;
      }
    }
    return 0;
  }
};
inline Timed timed(const DimcModel& model, const Step& step) {
  Timed result;
  model.lower(step, result.program);
  verify(result.program);
  ScheduleClock clock;
  result.ledger = make_ledger(result.program, clock);
  return result;
}

inline DimcModel loaded(const DimcCard& card, const std::string& model, const std::string& plan) {
  return DimcModel(card, read_model(model), parse_plan(plan));
}

}  // namespace memwall::dimc_test
