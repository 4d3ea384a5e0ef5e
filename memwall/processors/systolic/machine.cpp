#include "memwall/processors/systolic/machine.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "memwall/processors/systolic/region.h"
#include "memwall/tensor/small_float.h"

namespace memwall {
namespace {

std::int64_t ceil_div(std::int64_t amount, std::int64_t parts) { return (amount + parts - 1) / parts; }

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument("[machine] " + what); }

constexpr std::int64_t kBlock = 32;  // values of mxfp4 that share a scale

// Values of one block, `stride` apart, are multiples of e2m1 by one power of two.
bool is_block_of_fp4(const float* values, std::int64_t count, std::int64_t stride) {
  float largest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    largest = std::max(largest, std::abs(values[i * stride]));
  }
  if (largest == 0) {
    return true;
  }
  constexpr int kDepth = 3;  // e2m1 spans 0.5 to 6
  const int top = std::ilogb(largest);
  for (int exponent = top - kDepth + 1; exponent <= top + 1; ++exponent) {
    bool all = true;
    for (std::int64_t i = 0; i < count && all; ++i) {
      const float scaled = std::ldexp(values[i * stride], -exponent);
      all = round_to(SmallFloat::fp4_e2m1, scaled) == scaled;
    }
    if (all) {
      return true;
    }
  }
  return false;
}

bool holds(CellFormat format, float value) {
  constexpr float kLeast = -128, kMost = 127;
  switch (format) {
    case CellFormat::int8:
      return value == std::floor(value) && value >= kLeast && value <= kMost;
    case CellFormat::fp8:
      return round_to(SmallFloat::fp8_e4m3, value) == value;
    case CellFormat::bf16:
      return std::isfinite(value) && round_to(SmallFloat::bf16, value) == value;
    case CellFormat::mxfp4:
      return std::isfinite(value);
  }
  return false;
}

void check_values(CellFormat format, const MachineGemm& gemm) {
  if (gemm.m < 1 || gemm.n < 1 || gemm.k < 1 || gemm.x.size() != index_of(gemm.m * gemm.k) ||
      gemm.w.size() != index_of(gemm.k * gemm.n)) {
    refuse("operands are not those of the shape");
  }
  for (const std::vector<float>* operand : {&gemm.x, &gemm.w}) {
    const auto wrong = std::find_if_not(operand->begin(), operand->end(),
                                        [format](float value) { return holds(format, value); });
    if (wrong != operand->end()) {
      refuse("a value is none of its format: " + std::to_string(*wrong));
    }
  }
  if (format != CellFormat::mxfp4) {
    return;
  }
  for (std::int64_t first = 0; first < gemm.k; first += kBlock) {
    const std::int64_t count = std::min(kBlock, gemm.k - first);
    bool all = true;
    for (std::int64_t row = 0; row < gemm.m && all; ++row) {
      all = is_block_of_fp4(&gemm.x[index_of(row * gemm.k + first)], count, 1);
    }
    for (std::int64_t column = 0; column < gemm.n && all; ++column) {
      all = is_block_of_fp4(&gemm.w[index_of(first * gemm.n + column)], count, gemm.n);
    }
    if (!all) {
      refuse("a block of 32 is not fp4 with one scale");
    }
  }
}

struct Extents {
  std::int64_t rows, columns, streamed;
};
Extents extents(Dataflow dataflow, const MachineGemm& gemm) {
  switch (dataflow) {
    case Dataflow::weight_stationary:
      return {gemm.k, gemm.n, gemm.m};
    case Dataflow::input_stationary:
      return {gemm.k, gemm.m, gemm.n};
    case Dataflow::output_stationary:
      return {gemm.m, gemm.n, gemm.k};
  }
  return {};
}

template <class Cell>
std::vector<typename Cell::Operand> operands(const std::vector<float>& values, std::int64_t rows,
                                             std::int64_t columns, bool transposed) {
  std::vector<typename Cell::Operand> result(values.size());
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      result[index_of(transposed ? c * rows + r : r * columns + c)] =
          Cell::operand(values[index_of(r * columns + c)]);
    }
  }
  return result;
}

template <class Cell>
MappedGemm<Cell> map_gemm(Dataflow dataflow, const MachineGemm& gemm) {
  const Extents size = extents(dataflow, gemm);
  MappedGemm<Cell> mapped;
  mapped.dataflow = dataflow;
  mapped.rows = size.rows;
  mapped.columns = size.columns;
  mapped.streamed = size.streamed;
  const bool inputs_stay = dataflow == Dataflow::input_stationary;
  const bool outputs_stay = dataflow == Dataflow::output_stationary;
  // What enters at the top is W, or X transposed; from the left X by vectors of k, or W transposed.
  mapped.top = inputs_stay ? operands<Cell>(gemm.x, gemm.m, gemm.k, true)
                           : operands<Cell>(gemm.w, gemm.k, gemm.n, false);
  mapped.left = inputs_stay ? operands<Cell>(gemm.w, gemm.k, gemm.n, true)
                            : operands<Cell>(gemm.x, gemm.m, gemm.k, outputs_stay);
  mapped.product.resize(index_of(gemm.m * gemm.n));
  mapped.vector_stride = inputs_stay ? 1 : gemm.n;
  mapped.column_stride = inputs_stay ? gemm.n : 1;
  return mapped;
}

void check_jobs(const MachineSetup& setup, const std::vector<MachineJob>& jobs) {
  if (setup.rows % setup.split.row_parts != 0 || setup.columns % setup.split.column_parts != 0) {
    refuse("the split does not divide the array");
  }
  std::vector<bool> taken(index_of(setup.split.parts()));
  for (const MachineJob& job : jobs) {
    if (job.row_part < 0 || job.column_part < 0 || job.height < 1 || job.width < 1 ||
        job.row_part + job.height > setup.split.row_parts ||
        job.column_part + job.width > setup.split.column_parts) {
      refuse("a job leaves the array");
    }
    for (std::int64_t r = job.row_part; r < job.row_part + job.height; ++r) {
      for (std::int64_t c = job.column_part; c < job.column_part + job.width; ++c) {
        if (taken[index_of(r * setup.split.column_parts + c)]) {
          refuse("two jobs on one part");
        }
        taken[index_of(r * setup.split.column_parts + c)] = true;
      }
    }
  }
}

// A port that all jobs share: it serves them in turn, beginning with another one every cycle.
struct PortState {
  std::int64_t width = 0, served = 0;
  std::int64_t serve(std::int64_t wanted, std::int64_t& left) {
    const std::int64_t given = width == 0 ? wanted : std::min(wanted, left);
    left -= given;
    served += given;
    return given;
  }
};

struct RunningJob {
  std::unique_ptr<Region> region;
  std::int64_t cells = 0;
  std::int64_t weights = 0, activations = 0, sums = 0;  // words that the next step still lacks
  ArrayResult::JobResult result;

  void ask(const StepWords& words) {
    const bool exchanged = region->dataflow() == Dataflow::input_stationary;
    weights = exchanged ? words.left : words.top;
    activations = exchanged ? words.top : words.left;
    sums = words.sums;
  }
  bool served() const { return weights == 0 && activations == 0 && sums == 0; }
};

void run_jobs(const MachineSetup& setup, std::vector<RunningJob>& jobs, ArrayResult& result) {
  const bool limited = setup.ports.weights > 0 || setup.ports.activations > 0 || setup.ports.sums > 0;
  PortState weights{setup.ports.weights}, activations{setup.ports.activations}, sums{setup.ports.sums};
  const std::int64_t all_cells = setup.rows * setup.columns;
  std::size_t running = 0;
  for (RunningJob& job : jobs) {
    if (!job.region->done()) {
      // Without a narrow port all words are served at once: they need not be counted step by step.
      job.ask(limited ? job.region->need() : job.region->total());
      ++running;
    }
  }
  for (std::size_t turn = 0; running > 0; turn = turn + 1 < jobs.size() ? turn + 1 : 0) {
    std::int64_t weights_left = weights.width, activations_left = activations.width, sums_left = sums.width;
    std::int64_t powered = 0, macs = 0;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      RunningJob& job = jobs[turn + i < jobs.size() ? turn + i : turn + i - jobs.size()];
      if (job.region->done()) {
        continue;
      }
      powered += job.cells;
      job.weights -= weights.serve(job.weights, weights_left);
      job.activations -= activations.serve(job.activations, activations_left);
      job.sums -= sums.serve(job.sums, sums_left);
      if (!job.served()) {
        ++job.result.waiting;
        continue;
      }
      macs += job.region->step();
      if (job.region->done()) {
        job.result.end = result.cycles + 1;
        --running;
      } else if (limited) {
        job.ask(job.region->need());
      }
    }
    ++result.cycles;
    result.macs += macs;
    result.idle += powered - macs;
    result.gated += all_cells - powered;
  }
  result.weight_words = weights.served;
  result.activation_words = activations.served;
  result.sum_words = sums.served;
}

// The folds of a job in elements, checked.
std::vector<FoldTask> fold_tasks(const MachineJob& job, std::int64_t rows, std::int64_t columns,
                                 const std::vector<MachineGemm>& gemms) {
  std::vector<FoldTask> tasks;
  for (const MachineJob::Fold& fold : job.folds) {
    if (fold.gemm >= gemms.size() || fold.pieces < 1 || fold.piece < 0 || fold.piece >= fold.pieces) {
      refuse("a fold of no GEMM");
    }
    const Extents size = extents(job.dataflow, gemms[fold.gemm]);
    const std::int64_t per_piece = ceil_div(size.streamed, fold.pieces);
    FoldTask task;
    task.gemm = fold.gemm;
    task.row = fold.tile_row * rows;
    task.column = fold.tile_column * columns;
    task.first = fold.piece * per_piece;
    task.streamed = std::min(per_piece, size.streamed - task.first);
    if (fold.tile_row < 0 || fold.tile_column < 0 || task.row >= size.rows || task.column >= size.columns) {
      refuse("a fold outside its GEMM");
    }
    if (task.streamed > 0) {
      tasks.push_back(task);
    }
  }
  return tasks;
}

template <class Cell, template <class> class Stationary, template <class> class Output>
ArrayResult run_cells(const MachineSetup& setup, const std::vector<MachineGemm>& gemms,
                      const std::vector<MachineJob>& jobs) {
  constexpr std::array kDataflows = {Dataflow::weight_stationary, Dataflow::input_stationary,
                                     Dataflow::output_stationary};
  // Each GEMM mapped once for every dataflow that a job uses; sums are added up in the end.
  std::array<std::vector<MappedGemm<Cell>>, kDataflows.size()> mapped;
  ArrayResult result;
  std::vector<RunningJob> running;
  const std::int64_t part_rows = setup.rows / setup.split.row_parts;
  const std::int64_t part_columns = setup.columns / setup.split.column_parts;
  for (const MachineJob& job : jobs) {
    const auto flow = static_cast<std::size_t>(job.dataflow);
    if (mapped[flow].empty()) {
      for (const MachineGemm& gemm : gemms) {
        mapped[flow].push_back(map_gemm<Cell>(job.dataflow, gemm));
      }
    }
    const std::int64_t rows = part_rows * job.height, columns = part_columns * job.width;
    std::vector<FoldTask> folds = fold_tasks(job, rows, columns, gemms);
    if (folds.empty()) {
      continue;
    }
    RunningJob& added = running.emplace_back();
    added.cells = rows * columns;
    if (job.dataflow == Dataflow::output_stationary) {
      added.region =
          std::make_unique<OutputRegion<Cell, Output<Cell>>>(rows, columns, &mapped[flow], std::move(folds));
    } else {
      added.region = std::make_unique<StationaryRegion<Cell, Stationary<Cell>>>(
          rows, columns, setup.double_buffered, &mapped[flow], std::move(folds));
    }
  }
  run_jobs(setup, running, result);
  for (const RunningJob& job : running) {
    result.jobs.push_back(job.result);
  }
  for (std::size_t g = 0; g < gemms.size(); ++g) {
    std::vector<typename Cell::Total> total(index_of(gemms[g].m * gemms[g].n));
    for (const std::vector<MappedGemm<Cell>>& flow : mapped) {
      for (std::size_t i = 0; !flow.empty() && i < total.size(); ++i) {
        total[i] += flow[g].product[i];
      }
    }
    std::vector<double>& product = result.products.emplace_back();
    for (const typename Cell::Total& sum : total) {
      product.push_back(Cell::value(sum));
    }
  }
  return result;
}

template <template <class> class Stationary, template <class> class Output>
ArrayResult run_checked(const MachineSetup& setup, const std::vector<MachineGemm>& gemms,
                        const std::vector<MachineJob>& jobs) {
  check_jobs(setup, jobs);
  for (const MachineGemm& gemm : gemms) {
    check_values(setup.format, gemm);
  }
  switch (setup.format) {
    case CellFormat::int8:
      return run_cells<Int8Cell, Stationary, Output>(setup, gemms, jobs);
    case CellFormat::fp8:
      return run_cells<Fp8Cell, Stationary, Output>(setup, gemms, jobs);
    case CellFormat::bf16:
    case CellFormat::mxfp4:
      return run_cells<WideCell, Stationary, Output>(setup, gemms, jobs);
  }
  return {};
}

}  // namespace

ArrayResult run_machine(const MachineSetup& setup, const std::vector<MachineGemm>& gemms,
                        const std::vector<MachineJob>& jobs) {
  return run_checked<RingStationary, RingOutput>(setup, gemms, jobs);
}

ArrayResult run_plain_machine(const MachineSetup& setup, const std::vector<MachineGemm>& gemms,
                              const std::vector<MachineJob>& jobs) {
  return run_checked<PlainStationary, PlainOutput>(setup, gemms, jobs);
}

std::vector<MachineJob> deal_folds(const MachineSetup& setup, Dataflow dataflow,
                                   const std::vector<MachineGemm>& gemms) {
  std::vector<MachineJob> jobs;
  for (std::int64_t r = 0; r < setup.split.row_parts; ++r) {
    for (std::int64_t c = 0; c < setup.split.column_parts; ++c) {
      MachineJob& job = jobs.emplace_back();
      job.row_part = r;
      job.column_part = c;
      job.dataflow = dataflow;
    }
  }
  const std::int64_t rows = setup.rows / setup.split.row_parts;
  const std::int64_t columns = setup.columns / setup.split.column_parts;
  std::int64_t tiles = 0;
  for (const MachineGemm& gemm : gemms) {
    const Extents size = extents(dataflow, gemm);
    tiles += ceil_div(size.rows, rows) * ceil_div(size.columns, columns);
  }
  const auto parts = static_cast<std::int64_t>(jobs.size());
  std::size_t next = 0;
  for (std::size_t g = 0; g < gemms.size(); ++g) {
    const Extents size = extents(dataflow, gemms[g]);
    const std::int64_t per_piece =
        ceil_div(size.streamed, std::clamp<std::int64_t>(parts / tiles, 1, size.streamed));
    const std::int64_t pieces = ceil_div(size.streamed, per_piece);
    for (std::int64_t column = 0; column < ceil_div(size.columns, columns); ++column) {
      for (std::int64_t row = 0; row < ceil_div(size.rows, rows); ++row) {
        for (std::int64_t piece = 0; piece < pieces; ++piece) {
          jobs[next++ % jobs.size()].folds.push_back({g, row, column, piece, pieces});
        }
      }
    }
  }
  return jobs;
}

}  // namespace memwall
