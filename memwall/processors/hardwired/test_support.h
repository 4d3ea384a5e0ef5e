// test_support.h - what the tests of this folder share: the real cards, and a program timed both ways.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "memwall/core/config_reader.h"
#include "memwall/core/data_files.h"
#include "memwall/hardware/system.h"
#include "memwall/model/read_model.h"
#include "memwall/processors/hardwired/card.h"
#include "memwall/processors/hardwired/hardwired.h"
#include "memwall/processors/hardwired/lowering.h"
#include "memwall/processors/hardwired/wiring.h"
#include "memwall/program/clock.h"
#include "memwall/program/ledger.h"

namespace memwall::hardwired_test {

inline HardwiredCard card_named(const std::string& name) { return read_hardwired_card(read_chip(name)); }

inline HardwiredModel loaded(const HardwiredCard& card, int copies = 1) {
  return HardwiredModel(card, wiring_of(read_model(card.wired_model)), copies);
}

inline Step decode(std::int64_t sequences, std::int64_t context) { return {{{sequences, 1, context}}, {}}; }
inline Step prefill(std::int64_t sequences, std::int64_t tokens) { return {{{sequences, tokens, 0}}, {}}; }

struct Timed {
  Program program;
  Ledger ledger;
  double seconds() const { return ledger.time.value; }
  double share(Category category) const { return ledger.shares[static_cast<std::size_t>(category)]; }
};
inline Timed timed(const HardwiredModel& model, const Step& step) {
  Timed result;
  model.lower(step, result.program);
  verify(result.program);
  ScheduleClock clock;
  result.ledger = make_ledger(result.program, clock);
  return result;
}

}  // namespace memwall::hardwired_test
