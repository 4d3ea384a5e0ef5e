#include <cstdio>
#include <exception>

#include "cli/command_line.h"
#include "cli/verbs.h"
#include "memwall/core/error.h"

int main(int argc, char** argv) {
  constexpr int kBadInput = 2, kBug = 1;
  try {
    memwall::CommandLine line("memwall", "What would each inference processor do with this model, and why?",
                              MEMWALL_VERSION);
    const memwall::Verb root = line.root();
    memwall::add_list(root);
    memwall::add_race(root);
    memwall::add_step(root);
    memwall::add_speculate(root);
    memwall::add_op(root);
    memwall::add_explain(root);
    memwall::add_sweep(root);
    memwall::add_rtl(root);
    memwall::add_validate(root);
    memwall::add_calibrate(root);
    memwall::add_harden(root);
    root.examples(
        "  memwall list\n"
        "  memwall race --model llama-3.1-70b --prompt 4096 --output 512 --batch 8\n");
    line.run(argc, argv);
    return 0;
  } catch (const memwall::ConfigError& error) {
    std::fprintf(stderr, "memwall: %s\n", error.what());
    return kBadInput;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "memwall: internal error: %s\n", error.what());
    return kBug;
  }
}
