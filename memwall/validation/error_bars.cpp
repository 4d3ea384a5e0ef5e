#include "memwall/validation/error_bars.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "memwall/core/data_files.h"

namespace memwall {
namespace {

constexpr double kMostUncovered = 1.0 / 3;

// Beyond the measured range by more than this, a size is outside: shapes are measured on grids.
constexpr double kMargin = 1.25;

std::string outside_of(const Classified& where, const Residual& residual) {
  for (std::size_t i = 0; i < where.sizes.size() && i < residual.sizes.size(); ++i) {
    const auto& [name, size] = where.sizes[i];
    const SizeRange& range = residual.sizes[i];
    if (size > kMargin * range.high) {
      return fmt::format("{} = {:.0f}, measured up to {:.0f}", name, size, range.high);
    }
    if (size * kMargin < range.low) {
      return fmt::format("{} = {:.0f}, measured from {:.0f}", name, size, range.low);
    }
  }
  return "";
}

ErrorBar none(std::string why) {
  ErrorBar bar;
  bar.outside = std::move(why);
  return bar;
}

bool has_one_kind(const System& system) {
  return std::all_of(system.pools.begin(), system.pools.end(),
                     [&](const Pool& pool) { return pool.chip.name == system.chip().name; });
}

// A step in which every sequence brings one token.
bool is_decode(const Step& step) {
  return std::all_of(step.slices.begin(), step.slices.end(),
                     [](const Slice& slice) { return slice.new_tokens == 1; });
}

double mean_context(const Step& step) {
  double tokens = 0;
  for (const Slice& slice : step.slices) {
    tokens += static_cast<double>(slice.count * (slice.past_tokens + slice.new_tokens));
  }
  return tokens / static_cast<double>(step.sequences());
}

// Adds up the classes of a step's kernels.
class Combination {
 public:
  void add(const ErrorBar& bar, double seconds) {
    if (!bar.half_width) {
      return;
    }
    covered_ += seconds;
    sum_.half_width = sum_.half_width.value_or(0) + seconds * *bar.half_width;
    sum_.low += seconds * bar.low;
    sum_.high += seconds * bar.high;
    sum_.n += bar.n;
    bases_[bar.basis] += seconds;
  }

  // `time` of the whole step.
  ErrorBar result(double time) const {
    if (covered_ < (1 - kMostUncovered) * time) {
      return none(fmt::format("only {:.0f} % of the time is in kernels that were measured",
                              100 * std::min(1.0, covered_ / time)));
    }
    ErrorBar bar = sum_;
    *bar.half_width /= covered_;
    bar.low /= covered_;
    bar.high /= covered_;
    std::vector<std::pair<double, std::string>> parts;
    for (const auto& [basis, seconds] : bases_) {
      parts.emplace_back(-seconds, basis);
    }
    std::sort(parts.begin(), parts.end());
    for (std::size_t i = 0; i < std::min<std::size_t>(parts.size(), 3); ++i) {
      bar.basis += fmt::format("{}{:.0f} % {}", bar.basis.empty() ? "" : ", ",
                               -100 * parts[i].first / covered_, parts[i].second);
    }
    if (covered_ < time) {
      bar.basis += fmt::format("; {:.0f} % of the time was not measured", 100 * (1 - covered_ / time));
    }
    return bar;
  }

 private:
  ErrorBar sum_;
  double covered_ = 0;
  std::map<std::string, double> bases_;
};

}  // namespace

ErrorBars::ErrorBars(const std::vector<Residual>& residuals) {
  for (const Residual& residual : residuals) {
    residuals_.emplace(residual.of, residual);
  }
}

ErrorBar ErrorBars::of(const Classified& where) const {
  const auto found = residuals_.find(where.of);
  if (found == residuals_.end()) {
    return none("nothing was measured of " + to_text(where.of));
  }
  if (std::string outside = outside_of(where, found->second); !outside.empty()) {
    return none(std::move(outside));
  }
  const Residual& residual = found->second;
  ErrorBar bar;
  bar.half_width = residual.half_width;
  bar.low = residual.low;
  bar.high = residual.high;
  bar.n = residual.n;
  bar.basis = to_text(where.of);
  return bar;
}

ErrorBar ErrorBars::of_kernel(const KernelOp& op, const System& system, Seconds time) const {
  return has_one_kind(system) ? of(classify(features(op, time), system.chip().name))
                              : none("several kinds of chips");
}

ErrorBar ErrorBars::of_step(const Model& model, const Step& step, const System& system,
                            const Processor& processor, const Plan& plan, Seconds time) const {
  if (!has_one_kind(system)) {
    return none("several kinds of chips");
  }
  const std::string& chip = system.chip().name;
  if (is_decode(step)) {
    ErrorBar bar = of(classify_decode_step(model, chip, plan.chips(), static_cast<double>(step.sequences()),
                                           mean_context(step)));
    if (bar.half_width) {
      return bar;
    }
  }
  const std::unique_ptr<KernelLowering> kernels = processor.open_kernels(system, {});
  Combination combination;
  Program program;
  ScheduleClock clock;
  for (const KernelUse& use : kernels_of(model, step, plan)) {
    try {
      kernels->lower(use.op, program);
    } catch (const ConfigError&) {
      continue;  // a kernel that the family does not run by itself is not covered
    }
    const Seconds each = clock.run(program).time;
    combination.add(of(classify(features(use.op, each), chip)), use.times * each.value);
  }
  return combination.result(time.value);
}

void add_error_bars(const ErrorBars& bars, const RaceQuery& query, const System& system,
                    const Processor& processor, RaceResult& result) {
  if (!result.fits) {
    return;
  }
  const Step decode{{{query.batch, 1, query.mean_context()}}, query.routing};
  result.tpot_error = bars.of_step(query.model, decode, system, processor, result.plan, result.tpot);
  // One of the equal steps that prefill takes when the prompts are more than one step holds.
  const std::int64_t together =
      std::clamp<std::int64_t>(query.max_step_tokens / query.prompt, 1, query.batch);
  const Step prefill{{{together, std::min(query.prompt, query.max_step_tokens), 0}}, query.routing};
  const double share =
      static_cast<double>(prefill.new_tokens()) / static_cast<double>(query.batch * query.prompt);
  result.ttft_error = bars.of_step(query.model, prefill, system, processor, result.plan, share * result.ttft);
}

void add_error_bar(const ErrorBars& bars, const Model& model, const Step& step, const System& system,
                   const Processor& processor, StepResult& result) {
  if (result.placement.fits) {
    result.error = bars.of_step(model, step, system, processor, result.placement.plan, result.ledger.time);
  }
}

ErrorBars read_error_bars() {
  const std::filesystem::path file = data_root() / "validation" / "residuals.csv";
  return std::filesystem::exists(file) ? ErrorBars(read_residuals(read_table(file))) : ErrorBars({});
}

}  // namespace memwall
