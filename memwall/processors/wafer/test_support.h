// test_support.h - what the tests of this folder share: real cards, edited cards, a step timed.
#pragma once

#include <string>

#include "memwall/core/config_reader.h"
#include "memwall/core/data_files.h"
#include "memwall/hardware/system.h"
#include "memwall/model/read_model.h"
#include "memwall/processors/wafer/lowering.h"
#include "memwall/processors/wafer/wafer.h"
#include "memwall/program/clock.h"
#include "memwall/program/ledger.h"

namespace memwall::wafer_test {

inline WaferCard card_of(const std::string& system) { return read_wafer_card(read_system(system)); }

inline Step decode(std::int64_t sequences, std::int64_t context) { return {{{sequences, 1, context}}, {}}; }
inline Step prefill(std::int64_t sequences, std::int64_t tokens) { return {{{sequences, tokens, 0}}, {}}; }

inline Placement placed(const std::string& model, const std::string& system, const std::string& plan,
                        const Need& need) {
  return make_wafer()->place(read_model(model), read_system(system), parse_plan(plan), need);
}

// Seconds of a step of a model that fits.
inline double seconds(const std::string& model, const std::string& system, const Placement& placement,
                      const Step& step) {
  const WaferModel loaded(read_model(model), card_of(system), placement.plan);
  Program program;
  loaded.lower(step, program);
  verify(program);
  ScheduleClock clock;
  return clock.run(program).time.value;
}

}  // namespace memwall::wafer_test
