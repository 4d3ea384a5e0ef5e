#include "memwall/processors/systolic/fold_schedule.h"

#include <cassert>
#include <utility>

namespace memwall {
namespace {

// How many i in [0, size) have low <= step - i < high.
std::int64_t in_window(std::int64_t step, std::int64_t low, std::int64_t high, std::int64_t size) {
  const std::int64_t last = std::min(step - low, size - 1);
  return std::max<std::int64_t>(0, last - std::max<std::int64_t>(step - high + 1, 0) + 1);
}

// Cells of a rows x columns rectangle on anti-diagonals 0 to `diagonal`.
std::int64_t cells_up_to(std::int64_t diagonal, std::int64_t rows, std::int64_t columns) {
  const auto triangle = [](std::int64_t n) { return n > 0 ? n * (n + 1) / 2 : 0; };
  const std::int64_t n = diagonal + 1;
  return triangle(n) - triangle(n - rows) - triangle(n - columns) + triangle(n - rows - columns);
}

}  // namespace

FoldSchedule::FoldSchedule(bool outputs_stay, bool double_buffered, std::int64_t rows, std::int64_t columns,
                           std::vector<FoldTask> folds)
    : outputs_stay_(outputs_stay), rows_(rows), columns_(columns), folds_(std::move(folds)) {
  assert(!folds_.empty());
  Times next;
  for (const FoldTask& fold : folds_) {
    if (!outputs_stay_) {
      next.stream = std::max(next.load + rows_, next.stream);
    }
    next.end = next.stream + rows_ + columns_ + fold.streamed - 2;
    times_.push_back(next);
    if (outputs_stay_) {
      next.load = next.stream = next.end;
    } else {
      next.load = double_buffered ? std::max(next.load + rows_, next.stream) : next.end;
      next.stream += fold.streamed;
    }
  }
  find_last();
}

void FoldSchedule::find_last() {
  while (last_ < folds_.size() && times_[last_].load <= step_) {
    ++last_;
  }
}

void FoldSchedule::advance() {
  ++step_;
  while (first_ < folds_.size() && step_ >= times_[first_].end) {
    ++first_;
  }
  find_last();
}

StepWords FoldSchedule::words() const {
  StepWords words;
  for (std::size_t f = first_; f < last_; ++f) {
    const FoldTask& fold = folds_[f];
    const Times& at = times_[f];
    const std::int64_t streamed = at.stream + fold.streamed;
    words.left += in_window(step_, at.stream, streamed, fold.height);
    if (outputs_stay_) {
      words.top += in_window(step_, at.stream, streamed, fold.width);
      const std::int64_t finished = step_ - (streamed - 1);  // anti-diagonal whose sums are complete
      words.sums +=
          cells_up_to(finished, fold.height, fold.width) - cells_up_to(finished - 1, fold.height, fold.width);
    } else {
      // Row r of the tile enters as number rows - 1 - r: the padding below its last row comes first.
      words.top += in_window(step_, at.load + rows_ - fold.height, at.load + rows_, fold.width);
      words.sums += in_window(step_ - (rows_ - 1), at.stream, streamed, fold.width);
    }
  }
  return words;
}

std::int64_t FoldSchedule::macs() const {
  std::int64_t macs = 0;
  for (std::size_t f = first_; f < last_; ++f) {
    const FoldTask& fold = folds_[f];
    const std::int64_t wave = step_ - times_[f].stream;  // anti-diagonal that the first vector reaches
    macs += cells_up_to(wave, fold.height, fold.width) -
            cells_up_to(wave - fold.streamed, fold.height, fold.width);
  }
  return macs;
}

StepWords FoldSchedule::all_words() const {
  StepWords words;
  for (const FoldTask& fold : folds_) {
    words.left += fold.streamed * fold.height;
    words.top += (outputs_stay_ ? fold.streamed : fold.height) * fold.width;
    words.sums += (outputs_stay_ ? fold.height : fold.streamed) * fold.width;
  }
  return words;
}

std::int64_t FoldSchedule::all_macs() const {
  std::int64_t macs = 0;
  for (const FoldTask& fold : folds_) {
    macs += fold.streamed * fold.height * fold.width;
  }
  return macs;
}

}  // namespace memwall
