#include "memwall/validation/soft_fit.h"

#include <cmath>
#include <memory>
#include <stdexcept>

#include <nlopt.h>

namespace memwall {
namespace {

struct Search {
  const FitProblem& problem;
  std::vector<double> best;
  double best_loss = INFINITY;
};

double evaluate(unsigned count, const double* at, double*, void* data) {
  Search& search = *static_cast<Search*>(data);
  const std::vector<double> point(at, at + count);
  const double loss = search.problem.loss(point);
  if (loss < search.best_loss) {
    search.best_loss = loss;
    search.best = point;
  }
  return loss;
}

}  // namespace

std::vector<double> minimise(const FitProblem& problem) {
  constexpr double kFirstStep = 0.1;
  Search search{problem, problem.start, problem.loss(problem.start)};
  const std::unique_ptr<nlopt_opt_s, void (*)(nlopt_opt)> optimiser(
      nlopt_create(NLOPT_LN_SBPLX, static_cast<unsigned>(problem.start.size())), nlopt_destroy);
  nlopt_set_min_objective(optimiser.get(), evaluate, &search);
  nlopt_set_lower_bounds1(optimiser.get(), 0);
  nlopt_set_upper_bounds1(optimiser.get(), 1);
  nlopt_set_initial_step1(optimiser.get(), kFirstStep);
  nlopt_set_xtol_abs1(optimiser.get(), problem.tolerance);
  nlopt_set_maxeval(optimiser.get(), problem.evaluations);
  std::vector<double> point = problem.start;
  double loss = 0;
  const nlopt_result result = nlopt_optimize(optimiser.get(), point.data(), &loss);
  if (result < 0 && result != NLOPT_ROUNDOFF_LIMITED) {
    throw std::logic_error("[validation] the optimiser refused the problem");
  }
  return search.best;
}

double soft_l1(double x, double scale) { return std::sqrt(1 + (x / scale) * (x / scale)) - 1; }

}  // namespace memwall
