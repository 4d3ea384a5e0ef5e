#include "memwall/processors/transformer_asic/claim.h"

#include "memwall/model/read_model.h"
#include "memwall/processors/transformer_asic/lowering.h"
#include "memwall/processors/transformer_asic/placement.h"
#include "memwall/program/clock.h"

namespace memwall {
namespace {

constexpr double kPeta = 1e15, kTera = 1e12;

// The part of a program that is of one unit: charged amounts over all repetitions, of one chip.
double charged(const Program& program, const std::string& resource) {
  double sum = 0;
  for (const Block& block : program.blocks) {
    for (const Task& task : block.tasks) {
      for (std::int32_t i = 0; i < task.demand_count; ++i) {
        const Demand& demand = task.demands[static_cast<std::size_t>(i)];
        const bool is_it = program.resources[static_cast<std::size_t>(demand.resource)].name == resource;
        sum += is_it ? static_cast<double>(block.repeat) * demand.charged : 0;
      }
    }
  }
  return sum;
}

}  // namespace

std::vector<Figure> claim_figures(const AsicCard& card, const System& system) {
  std::vector<Figure> figures = {{"peak.fp8", card.peak().value / kPeta, "PFLOP/s"}};
  if (!system.chip().has("claim.rate")) {
    return figures;
  }
  const Chip& chip = system.chip();
  const auto count = [&](const char* key) { return static_cast<std::int64_t>(chip.get<Ratio>(key).value); };
  const Model model =
      read_model(chip.word("claim.model"), {.kv_format = Format::fp8, .weight_format = Format::fp8});
  const std::int64_t prompt = count("claim.prompt"), output = count("claim.output"),
                     decoding = count("claim.decoding");
  const Step step{{{1, prompt, 0}, {decoding, 1, prompt + output / 2}}, {}};
  const double tokens = static_cast<double>(step.new_tokens()), chips = system.chips();
  const double claimed = chip.get<Hertz>("claim.rate").value;  // tokens per second
  const double steps_per_s = claimed / tokens;

  Program program;
  ScheduleClock clock;
  const auto rate = [&](const Plan& plan) {
    const AsicModel placed(card, model, plan);
    placed.lower(step, program);
    return tokens * placed.batches_in_flight() / clock.run(program).time.value;
  };
  const Plan pipeline{1, system.chips(), 1, 1, ""}, tensor{system.chips(), 1, 1, 1, ""};
  const double as_pipeline = rate(pipeline);
  double macs = 0;
  for_each_operator(model, [&](const Operator& op, std::int64_t repeat) {
    macs += static_cast<double>(repeat) * work(op, step).macs;
  });
  constexpr double kOpsPerMac = 2;
  const double flops = steps_per_s * kOpsPerMac * macs / chips;
  const double bytes = steps_per_s * charged(program, "hbm") / chips;
  const double as_tensor = rate(tensor);
  const double link = steps_per_s * charged(program, "link");
  for (const Figure& figure :
       std::initializer_list<Figure>{{"claim.arithmetic", flops / kPeta, "PFLOP/s per chip"},
                                     {"claim.arithmetic_of_peak", flops / card.peak().value, ""},
                                     {"claim.hbm", bytes / kTera, "TB/s per chip"},
                                     {"claim.hbm_of_peak", bytes / card.hbm_bandwidth.value, ""},
                                     {"claim.link_tensor_parallel", link / kTera, "TB/s per chip"},
                                     {"rate.pipeline", as_pipeline, "tokens/s"},
                                     {"rate.tensor_parallel", as_tensor, "tokens/s"},
                                     {"rate.pipeline_of_claim", as_pipeline / claimed, ""}}) {
    figures.push_back(figure);
  }
  return figures;
}

}  // namespace memwall
