#include "memwall/processors/systolic/machine.h"

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "memwall/processors/systolic/machine_values.h"
#include "memwall/processors/systolic/region.h"

namespace memwall {
namespace {

std::int64_t ceil_div(std::int64_t amount, std::int64_t parts) { return (amount + parts - 1) / parts; }

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument("[machine] " + what); }

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

// Operands and sums of one GEMM as the cells have them, stored as they are given.
template <class Cell>
struct CellGemm {
  std::vector<typename Cell::Operand> x, w;
  std::vector<typename Cell::Total> product;
};

template <class Cell>
CellGemm<Cell> cell_gemm(const MachineGemm& gemm) {
  CellGemm<Cell> result{std::vector<typename Cell::Operand>(gemm.x.size()),
                        std::vector<typename Cell::Operand>(gemm.w.size()),
                        std::vector<typename Cell::Total>(index_of(gemm.m * gemm.n))};
  std::transform(gemm.x.begin(), gemm.x.end(), result.x.begin(), Cell::operand);
  std::transform(gemm.w.begin(), gemm.w.end(), result.w.begin(), Cell::operand);
  return result;
}

template <class Cell>
std::vector<double> values_of(std::vector<typename Cell::Total>&& totals) {
  if constexpr (std::is_same_v<typename Cell::Total, double>) {
    return std::move(totals);
  } else {
    std::vector<double> values(totals.size());
    std::transform(totals.begin(), totals.end(), values.begin(), Cell::value);
    return values;
  }
}

template <class Cell>
MappedGemm<Cell> map_gemm(Dataflow dataflow, const MachineGemm& gemm, CellGemm<Cell>& cells) {
  MappedGemm<Cell> mapped;
  mapped.out = cells.product.data();
  if (dataflow == Dataflow::input_stationary) {  // X transposed stays, the columns of W stream
    mapped.top = cells.x.data();
    mapped.left = cells.w.data();
    mapped.top_row = mapped.left_vector = mapped.out_row = 1;
    mapped.top_column = gemm.k;
    mapped.left_row = mapped.out_column = gemm.n;
    return mapped;
  }
  mapped.top = cells.w.data();
  mapped.left = cells.x.data();
  mapped.top_row = mapped.out_row = gemm.n;
  mapped.top_column = mapped.out_column = 1;
  const bool outputs_stay = dataflow == Dataflow::output_stationary;  // vectors are then columns of X
  mapped.left_vector = outputs_stay ? 1 : gemm.k;
  mapped.left_row = outputs_stay ? gemm.k : 1;
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
  bool exchanged = false;  // inputs stay: activations enter at the top
  std::int64_t cells = 0;
  std::int64_t weights = 0, activations = 0, sums = 0;  // words that the next step still lacks
  ArrayResult::JobResult result;

  void ask(const StepWords& words) {
    weights = exchanged ? words.left : words.top;
    activations = exchanged ? words.top : words.left;
    sums = words.sums;
  }
  bool served() const { return weights == 0 && activations == 0 && sums == 0; }
};

// Without a narrow port nobody waits and no job sees another: each takes all of its steps in one go.
void run_unlimited(std::vector<RunningJob>& jobs, ArrayResult& result) {
  for (RunningJob& job : jobs) {
    job.ask(job.region->schedule().all_words());
    result.weight_words += job.weights;
    result.activation_words += job.activations;
    result.sum_words += job.sums;
    const std::int64_t macs = job.region->finish();
    job.result.end = job.region->schedule().steps();
    result.macs += macs;
    result.idle += job.result.end * job.cells - macs;
    result.cycles = std::max(result.cycles, job.result.end);
  }
}

void run_with_ports(const MachineSetup::Ports& ports, std::vector<RunningJob>& jobs, ArrayResult& result) {
  PortState weights{ports.weights}, activations{ports.activations}, sums{ports.sums};
  for (RunningJob& job : jobs) {
    job.ask(job.region->schedule().words());
  }
  std::size_t running = jobs.size();
  for (std::size_t turn = 0; running > 0; turn = turn + 1 < jobs.size() ? turn + 1 : 0) {
    std::int64_t weights_left = weights.width, activations_left = activations.width, sums_left = sums.width;
    std::int64_t powered = 0, macs = 0;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      RunningJob& job = jobs[turn + i < jobs.size() ? turn + i : turn + i - jobs.size()];
      if (job.region->schedule().done()) {
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
      if (job.region->schedule().done()) {
        job.result.end = result.cycles + 1;
        --running;
      } else {
        job.ask(job.region->schedule().words());
      }
    }
    ++result.cycles;
    result.macs += macs;
    result.idle += powered - macs;
  }
  result.weight_words = weights.served;
  result.activation_words = activations.served;
  result.sum_words = sums.served;
}

void run_jobs(const MachineSetup& setup, std::vector<RunningJob>& jobs, ArrayResult& result) {
  if (setup.ports.weights > 0 || setup.ports.activations > 0 || setup.ports.sums > 0) {
    run_with_ports(setup.ports, jobs, result);
  } else {
    run_unlimited(jobs, result);
  }
  result.gated = setup.rows * setup.columns * result.cycles - result.macs - result.idle;
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
    task.height = std::min(rows, size.rows - task.row);
    task.width = std::min(columns, size.columns - task.column);
    if (task.streamed > 0) {
      tasks.push_back(task);
    }
  }
  return tasks;
}

template <class Cell>
std::unique_ptr<Region> make_region(bool plain, Dataflow dataflow, FoldSchedule schedule,
                                    const std::vector<MappedGemm<Cell>>& gemms) {
  if (plain && dataflow == Dataflow::output_stationary) {
    return std::make_unique<PlainOutputRegion<Cell>>(std::move(schedule), gemms);
  }
  if (plain) {
    return std::make_unique<PlainStationaryRegion<Cell>>(std::move(schedule), gemms);
  }
  switch (dataflow) {
    case Dataflow::weight_stationary:
      return std::make_unique<WaveRegion<Cell, Dataflow::weight_stationary>>(std::move(schedule), gemms);
    case Dataflow::input_stationary:
      return std::make_unique<WaveRegion<Cell, Dataflow::input_stationary>>(std::move(schedule), gemms);
    case Dataflow::output_stationary:
      return std::make_unique<WaveRegion<Cell, Dataflow::output_stationary>>(std::move(schedule), gemms);
  }
  return nullptr;
}

template <class Cell>
ArrayResult run_cells(const MachineSetup& setup, const std::vector<MachineGemm>& gemms,
                      const std::vector<MachineJob>& jobs, bool plain) {
  constexpr std::array kDataflows = {Dataflow::weight_stationary, Dataflow::input_stationary,
                                     Dataflow::output_stationary};
  std::vector<CellGemm<Cell>> cells;
  std::array<std::vector<MappedGemm<Cell>>, kDataflows.size()> mapped;  // by dataflow and GEMM
  for (const MachineGemm& gemm : gemms) {
    cells.push_back(cell_gemm<Cell>(gemm));
    for (const Dataflow dataflow : kDataflows) {
      mapped[static_cast<std::size_t>(dataflow)].push_back(map_gemm(dataflow, gemm, cells.back()));
    }
  }
  ArrayResult result;
  std::vector<RunningJob> running;
  const std::int64_t part_rows = setup.rows / setup.split.row_parts;
  const std::int64_t part_columns = setup.columns / setup.split.column_parts;
  for (const MachineJob& job : jobs) {
    const std::int64_t rows = part_rows * job.height, columns = part_columns * job.width;
    std::vector<FoldTask> folds = fold_tasks(job, rows, columns, gemms);
    if (folds.empty()) {
      continue;
    }
    const bool outputs_stay = job.dataflow == Dataflow::output_stationary;
    RunningJob& added = running.emplace_back();
    added.cells = rows * columns;
    added.exchanged = job.dataflow == Dataflow::input_stationary;
    added.region = make_region(plain, job.dataflow,
                               {outputs_stay, setup.double_buffered, rows, columns, std::move(folds)},
                               mapped[static_cast<std::size_t>(job.dataflow)]);
  }
  run_jobs(setup, running, result);
  for (const RunningJob& job : running) {
    result.jobs.push_back(job.result);
  }
  for (CellGemm<Cell>& gemm : cells) {
    result.products.push_back(values_of<Cell>(std::move(gemm.product)));
  }
  return result;
}

ArrayResult run_checked(const MachineSetup& setup, const std::vector<MachineGemm>& gemms,
                        const std::vector<MachineJob>& jobs, bool plain) {
  check_jobs(setup, jobs);
  for (const MachineGemm& gemm : gemms) {
    check_values(setup.format, gemm);
  }
  switch (setup.format) {
    case CellFormat::int8:
      return run_cells<Int8Cell>(setup, gemms, jobs, plain);
    case CellFormat::fp8:
      return run_cells<Fp8Cell>(setup, gemms, jobs, plain);
    case CellFormat::bf16:
    case CellFormat::mxfp4:
      return run_cells<WideCell>(setup, gemms, jobs, plain);
  }
  return {};
}

}  // namespace

ArrayResult run_machine(const MachineSetup& setup, const std::vector<MachineGemm>& gemms,
                        const std::vector<MachineJob>& jobs) {
  return run_checked(setup, gemms, jobs, false);
}

ArrayResult run_plain_machine(const MachineSetup& setup, const std::vector<MachineGemm>& gemms,
                              const std::vector<MachineJob>& jobs) {
  return run_checked(setup, gemms, jobs, true);
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
