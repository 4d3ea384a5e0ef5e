#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/common.h"
#include "cli/verbs.h"
#include "memwall/core/error.h"
#include "memwall/core/output_file.h"

namespace memwall {
namespace {

struct RtlVerbOptions {
  std::string family, output;
  RtlOptions rtl;
};

// Families that have one; all others are refused by name.
std::vector<std::string> family_names(bool with_rtl) {
  const ProcessorRegistry processors = builtin_processors();
  std::vector<std::string> names;
  for (const auto& entry : processors.list()) {
    if (!with_rtl || entry.make()->rtl({})) {
      names.push_back(entry.name);
    }
  }
  return names;
}

void write_rtl(const RtlVerbOptions& options) {
  if (options.family.empty()) {
    throw ConfigError("rtl", "no family", "the name of one, such as " + family_names(true).front());
  }
  const auto processor = builtin_processors().find(options.family).make();
  const std::optional<std::string> text = processor->rtl(options.rtl);
  if (!text) {
    throw ConfigError("rtl", options.family, "a family that has one, such as " + family_names(true).front());
  }
  if (options.output.empty()) {
    print_text(*text);
  } else {
    write_whole_file(options.output, *text);
  }
}

}  // namespace

void add_rtl(const Verb& root) {
  const Verb verb = root.verb("rtl", "A small instance of a family's mechanism as SystemVerilog");
  const auto options = std::make_shared<RtlVerbOptions>();
  constexpr std::int64_t kMost = std::int64_t{1} << 20;
  verb.positional("family", &options->family, family_names(false), "name of a processor family");
  verb.integer("--rows", &options->rtl.rows, 1, kMost, "rows of cells");
  verb.integer("--cols", &options->rtl.columns, 1, kMost, "columns of cells");
  verb.integer("--operand-bits", &options->rtl.operand_bits, 1, kMost,
               "bits of an operand, two's complement");
  verb.integer("--sum-bits", &options->rtl.sum_bits, 1, kMost, "bits of a sum");
  verb.text("--output", &options->output, "a file in place of standard output");
  verb.examples("  memwall rtl " + family_names(true).front() + " --rows 8 --cols 8 --output array.sv\n");
  verb.action([options] { write_rtl(*options); });
}

}  // namespace memwall
