// machine.h - a systolic array that executes GEMMs on real numbers, cycle by cycle.
//
// R x C cells, cut into row_parts x column_parts equal parts. A job gives a rectangle of neighbouring parts,
// fused into one array, a dataflow and a list of folds, of one GEMM or several; jobs run side by side and
// different ones may hold slabs of one product. The ports for weights, activations and sums serve as many
// words per cycle as they are wide, jobs in turn, and a job whose next step is not served waits. Parts
// without a job are gated, and so are those whose job has ended.
//
// All sums are exact (cells.h), so a product does not depend on how it was cut. Sums of several folds along k
// meet in accumulators behind the array; a word counts each time it leaves.
#pragma once

#include <cstdint>
#include <vector>

#include "memwall/processors/systolic/array_cycles.h"

namespace memwall {

enum class CellFormat { int8, fp8, bf16, mxfp4 };  // fp8: e4m3; mxfp4: e2m1, a power of two per 32 along k

struct MachineGemm {
  std::int64_t m = 1, n = 1, k = 1;
  std::vector<float> x, w;  // x[m, k] and w[k, n], row-major, values of the format
};

struct MachineJob {
  // Rectangle of parts: first row and column of parts, and how many.
  std::int64_t row_part = 0, column_part = 0, height = 1, width = 1;
  Dataflow dataflow = Dataflow::weight_stationary;
  struct Fold {
    std::size_t gemm = 0;
    std::int64_t tile_row = 0, tile_column = 0;  // tile of the stationary operand, or of the outputs
    std::int64_t piece = 0, pieces = 1;          // of the vectors that stream
  };
  std::vector<Fold> folds;
};

struct MachineSetup {
  std::int64_t rows = 1, columns = 1;
  Split split;
  bool double_buffered = false;
  struct Ports {  // words per cycle; 0: as many as are asked for
    std::int64_t weights = 0, activations = 0, sums = 0;
  } ports;
  CellFormat format = CellFormat::int8;
};

struct ArrayResult {
  std::vector<std::vector<double>> products;  // one [m, n] per GEMM, each value rounded once, to double
  std::int64_t cycles = 0;
  std::int64_t weight_words = 0, activation_words = 0, sum_words = 0;
  // Cells times cycles: that multiplied; of jobs that ran but had nothing to multiply; gated.
  std::int64_t macs = 0, idle = 0, gated = 0;
  struct JobResult {
    std::int64_t end = 0;      // cycle after its last step
    std::int64_t waiting = 0;  // cycles in which it was not served
  };
  std::vector<JobResult> jobs;
};

// Throws std::invalid_argument for a value that the format does not have, jobs that overlap or leave the
// array, folds outside their GEMM.
ArrayResult run_machine(const MachineSetup& setup, const std::vector<MachineGemm>& gemms,
                        const std::vector<MachineJob>& jobs);
// The plain twin: every register is moved in every cycle. Same results, a hundred times slower.
ArrayResult run_plain_machine(const MachineSetup& setup, const std::vector<MachineGemm>& gemms,
                              const std::vector<MachineJob>& jobs);

// The folds of `gemms` dealt to the parts in turn, one job per part, as array_cycles.h counts them.
std::vector<MachineJob> deal_folds(const MachineSetup& setup, Dataflow dataflow,
                                   const std::vector<MachineGemm>& gemms);

}  // namespace memwall
