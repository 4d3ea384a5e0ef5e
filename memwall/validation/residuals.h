// residuals.h - how large errors are by class of kernel or step: where the error bars come from.
//
// validation/residuals.csv is written by `memwall validate --record` and read whenever an error bar is asked
// for. Only measurements that are not held back go into it; the others test the stated intervals.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "memwall/model/model.h"
#include "memwall/validation/data_sets.h"
#include "memwall/validation/table.h"

namespace memwall {

struct ErrorClass {
  std::string kind;    // of kernel_class.h, or "decode_step"
  std::string regime;  // of kernel_class.h; of a step: dense or routed (experts)
  std::string format;  // of the weights or the KV cache
  std::string chip;
  auto operator<=>(const ErrorClass&) const = default;
};
std::string to_text(const ErrorClass& of);  // "gemm decode bf16 on h100"

struct SizeRange {
  std::string name;
  double low = 0, high = 0;
};

struct Residual {
  ErrorClass of;
  std::int64_t n = 0;
  double half_width = 0;     // 80 % of the measurements were within this fraction of the prediction
  double low = 0, high = 0;  // 10 % and 90 % quantiles of measured / predicted - 1
  std::vector<SizeRange> sizes;
};

// A class and its sizes, as a measurement or a query has them.
struct Classified {
  ErrorClass of;
  std::vector<std::pair<std::string, double>> sizes;
};
Classified classify(const KernelFeatures& kernel, const std::string& chip);
// A decode step; context is the mean one.
Classified classify_decode_step(const Model& model, const std::string& chip, double chips, double batch,
                                double context);
// fp16 counts as bf16: the same rates. The format that most bytes of the weights have.
Format class_format(Format format);
Format weight_format(const Model& model);

// One shape of four, the same ones on every chip: tests of intervals and of fits.
bool is_held_back(const Measurement& measurement);

class ResidualRecorder {
 public:
  // errors are measured / predicted - 1.
  void add(const Classified& where, double error);
  std::vector<Residual> residuals() const;  // by class; those of fewer than kLeastRows are left out

  static constexpr std::size_t kLeastRows = 8;

 private:
  struct Rows {
    std::vector<float> errors;
    std::vector<SizeRange> sizes;
  };
  std::map<ErrorClass, Rows> classes_;
};

std::string residuals_text(const std::vector<Residual>& residuals);  // the file's content
std::vector<Residual> read_residuals(const Table& table);

}  // namespace memwall
