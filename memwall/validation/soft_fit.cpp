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
  int evaluations = 0;
};

double evaluate(unsigned count, const double* at, double*, void* data) {
  Search& search = *static_cast<Search*>(data);
  const std::vector<double> point(at, at + count);
  const double loss = search.problem.loss(point);
  ++search.evaluations;
  if (loss < search.best_loss) {
    search.best_loss = loss;
    search.best = point;
  }
  return loss;
}

// From `search.best`, with a first step of so much along each coordinate.
void run_subplex(Search& search, double first_step) {
  const FitProblem& problem = search.problem;
  const std::unique_ptr<nlopt_opt_s, void (*)(nlopt_opt)> optimiser(
      nlopt_create(NLOPT_LN_SBPLX, static_cast<unsigned>(problem.start.size())), nlopt_destroy);
  nlopt_set_min_objective(optimiser.get(), evaluate, &search);
  nlopt_set_lower_bounds1(optimiser.get(), 0);
  nlopt_set_upper_bounds1(optimiser.get(), 1);
  nlopt_set_initial_step1(optimiser.get(), first_step);
  nlopt_set_xtol_abs1(optimiser.get(), problem.tolerance);
  nlopt_set_maxeval(optimiser.get(), problem.evaluations - search.evaluations);
  std::vector<double> point = search.best;
  double loss = 0;
  const nlopt_result result = nlopt_optimize(optimiser.get(), point.data(), &loss);
  if (result < 0 && result != NLOPT_ROUNDOFF_LIMITED) {
    throw std::logic_error("[validation] the optimiser refused the problem");
  }
}

}  // namespace

std::vector<double> minimise(const FitProblem& problem) {
  // A simplex settles on the edge of a plateau; a fresh one from there gets on.
  constexpr double kFirstSteps[] = {0.1, 0.25, 0.1, 0.25, 0.05};
  Search search{problem, problem.start, problem.loss(problem.start)};
  for (const double step : kFirstSteps) {
    if (search.evaluations < problem.evaluations) {
      run_subplex(search, step);
    }
  }
  return search.best;
}

double soft_l1(double x, double scale) { return std::sqrt(1 + (x / scale) * (x / scale)) - 1; }

}  // namespace memwall
