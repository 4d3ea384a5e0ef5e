// kernel_rows.h - kernels as rows of CSV: the files of validation/, and what `memwall calibrate` reads.
//
// Columns; those that a kernel does not need are left out or empty:
//   chip, kernel, measured_us          always. kernel: gemm, attention, moe, all_reduce, softmax, layer_norm,
//   gelu format, activation                 of weights (moe, gemm) and of what they are multiplied by;
//   default bf16,
//                                      and what the weights compute in
//   m, n, k, batch                     gemm: Y(m, n) = X(m, k) W(k, n), `batch` of them side by side
//   sequences, new_tokens, past_tokens, heads, kv_heads, head_dim, window, latent, rope_dim, kv_format
//                                      attention; past_tokens are in the cache before the kernel runs
//   tokens, experts, top_k, width, intermediate, tp, ep, routing
//                                      moe; routing as on the command line, or a name of collector_routing.h
//   bytes, chips, algorithm            all_reduce
//   rows, width                        softmax, layer_norm, gelu
//   set                                data set; default: the file's name
//   sum, times                         rows of one `sum` are one measurement: their measured times added,
//   each
//                                      `times` times
//   floor_us                           what the harness measures for a kernel of one element (measurement.h)
//   host_us                            what each call took the host, where no graph was recorded
//   engine                             whose attention kernel, where it is not the card's
//   operand_sets                       distinct weights or caches that were taken in turn (kernel_op.h);
//   default:
//                                      always cold
//   excluded                           a reason: the row is counted and not scored
//   source                             for people
#pragma once

#include "memwall/validation/measurement.h"
#include "memwall/validation/table.h"

namespace memwall {

// `origin` unless a row names its set. Throws ConfigError for a column that is none of the above and for a
// cell that cannot be what its column says.
void read_kernel_rows(const Table& table, const std::string& origin, MeasurementSink& sink);

}  // namespace memwall
