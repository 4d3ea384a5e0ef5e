// verbs.h - the verbs of the command line, one .cpp each: parse, call, print.
#pragma once

#include "cli/command_line.h"

namespace memwall {

void add_list(const Verb& root);
void add_race(const Verb& root);
void add_step(const Verb& root);
void add_speculate(const Verb& root);
void add_op(const Verb& root);
void add_explain(const Verb& root);
void add_sweep(const Verb& root);
void add_rtl(const Verb& root);
void add_validate(const Verb& root);
void add_calibrate(const Verb& root);
void add_harden(const Verb& root);

}  // namespace memwall
